// One question to a tcpeek's statistics socket.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "base/result.h"

namespace tcpeek {

// Sends `command` (without newline) to the socket at `path` and gives the whole answer: JSON on one
// line, without its newline. An error when tcpeek is not there, answers by an error, by something
// that is no JSON, by more than an answer can be, or not within `limit`.
[[nodiscard]] Result<std::string> ask_tcpeek(const std::string& path, std::string_view command,
                                             std::chrono::milliseconds limit);

}  // namespace tcpeek
