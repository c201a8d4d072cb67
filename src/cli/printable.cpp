#include "cli/printable.h"

#include <fmt/format.h>

#include "filter/utf8.h"

namespace tcpeek {
namespace {

// 0x80 to 0xbf: not the first byte of a character in UTF-8.
bool continues_character(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

void append_escaped(std::string& result, char c) {
    result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

// U+0000 to U+001F, U+007F, and U+0080 to U+009F (two bytes), which terminals obey, too. `text` is
// UTF-8.
bool begins_with_control(std::string_view text) {
    const auto first = static_cast<unsigned char>(text[0]);
    return first < 0x20 || first == 0x7f ||
           (first == 0xc2 && text.size() > 1 && static_cast<unsigned char>(text[1]) < 0xa0);
}

// `text` is UTF-8.
void append_characters(std::string& result, std::string_view text) {
    while (!text.empty()) {
        const bool control = begins_with_control(text);
        do {
            if (control) {
                append_escaped(result, text.front());
            } else {
                result += text.front();
            }
            text.remove_prefix(1);
        } while (!text.empty() && continues_character(text.front()));
    }
}

}  // namespace

std::string printable(std::string_view text) {
    constexpr std::size_t kLongest = 200;
    const bool cut = text.size() > kLongest;
    if (cut) {
        std::size_t end = kLongest;
        while (end > kLongest - 3 && continues_character(text[end])) {
            --end;
        }
        text = text.substr(0, end);
    }
    std::string result;
    while (!text.empty()) {
        const std::size_t good = first_invalid_utf8(text).value_or(text.size());
        append_characters(result, text.substr(0, good));
        text.remove_prefix(good);
        if (!text.empty()) {
            append_escaped(result, text.front());
            text.remove_prefix(1);
        }
    }
    return cut ? result + "..." : result;
}

}  // namespace tcpeek
