#include "pages/text_lines.h"

#include <algorithm>
#include <array>

namespace tcpeek {
namespace {

constexpr std::size_t kMaxOctets = 80;
constexpr std::size_t kOctetsOfEscape = 8;

// Japanese rules of line breaking (JIS X 4051), as far as these pages use such characters.
constexpr std::array<std::string_view, 24> kNotAtLineStart{
    "、", "。", "）", "」", "』", "：", "・", "ー", "っ", "ゃ", "ゅ", "ょ",
    "ッ", "ャ", "ュ", "ョ", "ァ", "ィ", "ゥ", "ェ", "ォ", "々", "？", "〜"};
constexpr std::array<std::string_view, 3> kNotAtLineEnd{"（", "「", "『"};

template <std::size_t count>
bool is_one_of(const std::array<std::string_view, count>& set, std::string_view character) {
    return std::find(set.begin(), set.end(), character) != set.end();
}

bool is_continuation(char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

std::string_view first_character(std::string_view text) {
    std::size_t size = 1;
    while (size < text.size() && is_continuation(text[size])) {
        ++size;
    }
    return text.substr(0, size);
}

// A piece without spaces; adds to `octets` what readers count.
std::string with_break_points(std::string_view piece, std::size_t& octets) {
    std::string result;
    std::string_view previous;
    while (!piece.empty()) {
        const std::string_view character = first_character(piece);
        const bool may_break = character.size() > 1 && previous.size() > 1 &&
                               !is_one_of(kNotAtLineStart, character) &&
                               !is_one_of(kNotAtLineEnd, previous);
        result += may_break ? "\\:" : "";
        octets += (may_break ? 2 : 0) + (character.size() > 1 ? kOctetsOfEscape : 1);
        result += character;
        previous = character;
        piece.remove_prefix(character.size());
    }
    return result;
}

}  // namespace

std::string folded_text(std::string_view line) {
    std::string result;
    std::size_t column = 0;
    while (!line.empty()) {
        const std::string_view piece = line.substr(0, line.find(' '));
        line.remove_prefix(std::min(piece.size() + 1, line.size()));
        std::size_t octets = 0;
        const std::string written = with_break_points(piece, octets);
        const bool new_line = column > 0 && column + 1 + octets > kMaxOctets;
        if (new_line) {
            // What begins a line with a dot would be a request.
            result += piece.front() == '.' || piece.front() == '\'' ? "\n\\&" : "\n";
            column = 0;
        } else if (column > 0) {
            result += ' ';
            ++column;
        }
        result += written;
        column += octets;
    }
    return result + '\n';
}

std::string folded_page(std::string_view page) {
    std::string result;
    bool example = false;
    bool heading = false;
    while (!page.empty()) {
        const std::string_view line = page.substr(0, page.find('\n'));
        page.remove_prefix(std::min(line.size() + 1, page.size()));
        example = line == ".EX" || (example && line != ".EE");
        const bool as_it_is = example || heading || line.empty() || line.front() == '.';
        heading = line == ".TP";
        result += as_it_is ? std::string(line) + '\n' : folded_text(line);
    }
    return result;
}

}  // namespace tcpeek
