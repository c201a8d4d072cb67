// tcpeek's table of options: the parser, `--help`, and what is generated for other readers come
// from its rows. A new option is a row here, a field of Config, and the code that uses the field.
#pragma once

#include <cstddef>
#include <string_view>

#include "cli/config.h"
#include "cli/option.h"

namespace tcpeek {

const Program& tcpeek_program();

// `option` is an index into tcpeek_program().options.
ValueComplaint take_option(Config& config, std::size_t option, std::string_view value);

}  // namespace tcpeek
