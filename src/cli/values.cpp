#include "cli/values.h"

#include <fmt/format.h>

#include <charconv>

namespace tcpeek {

ValueComplaint take_number(std::uint32_t& field, std::string_view value, std::uint32_t largest,
                           std::uint32_t smallest) {
    std::uint32_t number = 0;
    const char* end = value.data() + value.size();
    const auto [parsed_to, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc() || parsed_to != end || number < smallest || number > largest) {
        return fmt::format("is not a whole number from {} to {}", smallest, largest);
    }
    field = number;
    return std::nullopt;
}

bool like_an_option(std::string_view value) {
    return value.size() > 1 && value[0] == '-';
}

ValueComplaint complaint_about_socket(std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like a path";
    }
    return std::nullopt;
}

}  // namespace tcpeek
