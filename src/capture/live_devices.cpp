#include "capture/live_devices.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "capture/live_handle.h"

namespace tcpeek {
namespace {

// Enough to find a slip of the finger in; hosts of containers have thousands.
constexpr std::size_t names_listed = 30;

std::string list_names(const LinkTable& table) {
    std::string list = LiveHandle::any;
    std::size_t listed = 0;
    for (const Link& link : table.links()) {
        if (++listed > names_listed) {
            return list + fmt::format(" and {} more", table.links().size() - names_listed);
        }
        list += ", " + link.name;
    }
    return list;
}

// What the user typed, on one line.
std::string printable(const std::string& text) {
    std::string shown = text;
    std::replace_if(
        shown.begin(), shown.end(),
        [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
    return shown;
}

Result<std::vector<const Link*>> choose_default(const LinkTable& table) {
    for (const Link& link : table.links()) {
        if (link.up && link.running && !link.loopback) {
            return std::vector<const Link*>{&link};
        }
    }
    return Error{
        fmt::format("no interface but loopback is up and running: name one with -i (there are: {})",
                    list_names(table))};
}

}  // namespace

Result<std::vector<const Link*>> choose_devices(const LinkTable& table,
                                                const std::vector<std::string>& names) {
    if (names.empty()) {
        return choose_default(table);
    }
    std::vector<const Link*> chosen;
    bool everything = false;
    for (const std::string& name : names) {
        if (name == LiveHandle::any) {
            everything = true;
            continue;
        }
        const Link* link = table.find(name);
        if (link == nullptr) {
            return Error{fmt::format("no such interface: '{}' (there are: {})", printable(name),
                                     list_names(table))};
        }
        if (std::find(chosen.begin(), chosen.end(), link) == chosen.end()) {
            chosen.push_back(link);
        }
    }
    if (everything) {
        return std::vector<const Link*>{nullptr};
    }
    return chosen;
}

}  // namespace tcpeek
