// Text from outside made safe for a terminal.
#pragma once

#include <string>
#include <string_view>

namespace tcpeek {

// Control characters and bytes that are no UTF-8 become \xNN; a very long text is cut.
std::string printable(std::string_view text);

}  // namespace tcpeek
