// What a program tells its user on standard output and standard error.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "cli/option_parser.h"

namespace tcpeek {

// For the first line of a program. Descriptors 0 to 2 that its caller has closed are taken by what
// fails when it is read or written: else the next file or socket would get their number, and what
// is printed would go there.
void keep_standard_descriptors();

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
