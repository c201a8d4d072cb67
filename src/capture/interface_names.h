// The names of the interfaces of one run, so that a frame carries a small number instead of text.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "dissect/frame.h"

namespace tcpeek {

// Belongs to the capture thread. Names are never removed.
class InterfaceNames {
  public:
    // The same id for the same name. Beyond 65,535 names: `InterfaceId::none()`. Constant time,
    // since a capture file may describe any number of interfaces.
    InterfaceId intern(std::string_view name);
    // Empty for `none()`.
    [[nodiscard]] std::string_view name(InterfaceId id) const;

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const {
            return std::hash<std::string_view>()(name);
        }
    };

    std::vector<std::string> names_;
    std::unordered_map<std::string, std::uint16_t, Hash, std::equal_to<>> ids_;
};

}  // namespace tcpeek
