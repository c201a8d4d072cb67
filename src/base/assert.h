// An assertion that stays on in release builds: it guards against our own bugs, never against
// what a packet, a file or a user says.
#pragma once

namespace tcpeek {

// Prints the broken condition and where it stands, then aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace tcpeek

#define TCPEEK_ASSERT(condition)        \
    ((condition) ? static_cast<void>(0) \
                 : ::tcpeek::assertion_failed(#condition, __FILE__, __LINE__))
