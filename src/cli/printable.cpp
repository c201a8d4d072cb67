#include "cli/printable.h"

#include <fmt/format.h>

#include "filter/utf8.h"

namespace tcpeek {

std::string printable(std::string_view text) {
    constexpr std::size_t kLongest = 200;
    const bool cut = text.size() > kLongest;
    text = text.substr(0, kLongest);
    std::string result;
    while (!text.empty()) {
        const std::size_t good = first_invalid_utf8(text).value_or(text.size());
        for (const char c : text.substr(0, good)) {
            const auto octet = static_cast<unsigned char>(c);
            if (octet < 0x20 || octet == 0x7f) {
                result += fmt::format("\\x{:02x}", octet);
            } else {
                result += c;
            }
        }
        text.remove_prefix(good);
        if (!text.empty()) {
            result += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
            text.remove_prefix(1);
        }
    }
    return cut ? result + "..." : result;
}

}  // namespace tcpeek
