// Text lines of a manual page as troff and its checkers want them.
#pragma once

#include <string>
#include <string_view>

namespace tcpeek {

// `line` without its newline, as one or several lines of at most 80 octets where it has spaces to
// break it at; a character outside ASCII is counted as the \[uXXXX] that readers make of it.
// Between characters that need no space between words (Japanese) troff is told where it may break,
// which is not before a closing mark and not after an opening one. Ends with a newline.
std::string folded_text(std::string_view line);

// A whole source: its text lines folded; requests, headings of .TP and examples (.EX) as they are.
std::string folded_page(std::string_view page);

}  // namespace tcpeek
