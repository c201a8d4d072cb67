// Opens what a user gave to `-r`, and words what can be wrong with it: each error is one line that
// names the file, the cause and the next step.
#pragma once

#include <cstdint>
#include <string>

#include "base/byte_reader.h"
#include "base/result.h"
#include "base/unique_fd.h"

namespace tcpeek {

// What to call the file of this path ("-": standard input), on one line whatever the name holds.
std::string display_name(const std::string& path);

// A descriptor to read from, which is neither a directory nor a terminal. Never waits.
Result<UniqueFd> open_input(const std::string& path);

Error cannot_read(const std::string& path, int error_number);
Error empty_file(const std::string& path);
// The file ends at `size` bytes, before its first header does.
Error cut_header(const std::string& path, std::uint64_t size);
// `flaw` is a sentence on the bytes at an offset.
Error damaged_header(const std::string& path, const std::string& flaw);
// The file begins with bytes that no reader recognises: compressed, another format, no capture.
Error not_a_capture(const std::string& path, Bytes start);
// The file is a capture, but `why` (a predicate) says that it is none that we read.
Error unsupported_capture(const std::string& path, const std::string& why);

}  // namespace tcpeek
