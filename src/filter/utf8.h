// Whether a text is UTF-8 (RFC 3629).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace tcpeek {

// Offset of the first byte that does not belong to a well-formed sequence; nothing for good texts.
std::optional<std::size_t> first_invalid_utf8(std::string_view text);

}  // namespace tcpeek
