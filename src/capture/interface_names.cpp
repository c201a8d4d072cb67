#include "capture/interface_names.h"

namespace tcpeek {

InterfaceId InterfaceNames::intern(std::string_view name) {
    if (const auto known = ids_.find(name); known != ids_.end()) {
        return {known->second};
    }
    if (names_.size() >= InterfaceId::none().index) {
        return InterfaceId::none();
    }
    const auto index = static_cast<std::uint16_t>(names_.size());
    names_.emplace_back(name);
    ids_.emplace(name, index);
    return {index};
}

std::string_view InterfaceNames::name(InterfaceId id) const {
    return id.index < names_.size() ? std::string_view(names_[id.index]) : std::string_view();
}

}  // namespace tcpeek
