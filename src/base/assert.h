// An assertion that stays on in release builds: it guards against our own bugs, never against
// what a packet, a file or a user says.
#pragma once

namespace tcpeek {

// Prints what is broken and where it stands, then aborts.
[[noreturn]] void assertion_failed(const char* what, const char* file, int line);

}  // namespace tcpeek

#define TCPEEK_ASSERT(condition)        \
    ((condition) ? static_cast<void>(0) \
                 : ::tcpeek::assertion_failed(#condition, __FILE__, __LINE__))

// For a place that no control flow reaches; `why` is a string literal.
#define TCPEEK_UNREACHABLE(why) ::tcpeek::assertion_failed(why, __FILE__, __LINE__)
