// What a program tells its user on standard output and standard error.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/option_parser.h"

namespace tcpeek {

enum class Written : std::uint8_t { whole, reader_gone, interrupted };

// From the first call on SIGPIPE does not end the program any more. A signal that is handled
// interrupts. An error names the cause, e.g. a full disk.
Result<Written> write_standard_output(std::string_view text);

// "tcpeek: message\n" on standard error.
void tell_error(const Program& program, std::string_view message);

// Give the exit status.
int tell(const Program& program, const Information& information);
int tell(const Program& program, const UsageError& error);

}  // namespace tcpeek
