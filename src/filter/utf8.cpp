#include "filter/utf8.h"

#include <array>
#include <cstdint>

namespace tcpeek {
namespace {

// RFC 3629 4: which first octets begin a sequence, of which length, and what the second may be.
struct SequenceForm {
    std::uint8_t first_low, first_high;
    std::uint8_t second_low, second_high;
    std::size_t length;
};
constexpr std::array<SequenceForm, 8> kForms{{
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
}};

bool is_within(char c, std::uint8_t low, std::uint8_t high) {
    const auto octet = static_cast<std::uint8_t>(c);
    return low <= octet && octet <= high;
}

// Octets of the sequence at the start of `text`; 0 when it is none.
std::size_t sequence_length(std::string_view text) {
    if (is_within(text[0], 0x00, 0x7f)) {
        return 1;
    }
    for (const SequenceForm& form : kForms) {
        if (!is_within(text[0], form.first_low, form.first_high)) {
            continue;
        }
        if (text.size() < form.length || !is_within(text[1], form.second_low, form.second_high)) {
            return 0;
        }
        for (std::size_t i = 2; i < form.length; ++i) {
            if (!is_within(text[i], 0x80, 0xbf)) {
                return 0;
            }
        }
        return form.length;
    }
    return 0;
}

}  // namespace

std::optional<std::size_t> first_invalid_utf8(std::string_view text) {
    std::size_t offset = 0;
    while (offset < text.size()) {
        const std::size_t length = sequence_length(text.substr(offset));
        if (length == 0) {
            return offset;
        }
        offset += length;
    }
    return std::nullopt;
}

}  // namespace tcpeek
