// Which system calls the running program may still make: a seccomp filter for all its threads.
#pragma once

#include <string>

#include "app/privileges.h"
#include "base/result.h"

namespace tcpeek {

// What a run does after its start, and so what the filter must let through. Everything else that
// it uses is open by then.
struct RunNeeds {
    bool live = false;            // watches interfaces: rtnetlink, the log, the service manager
    bool answers = false;         // has a statistics socket or HTTP
    bool removes_socket = false;  // a statistics socket of its own, at the end
    bool opens_files = false;     // reads its configuration again
    bool reads_bpf_maps = false;  // has programs in the kernel
    Keep keep = Keep::nothing;    // what may be opened later
};

// False in builds with a sanitizer, whose run-time library makes calls of its own (LeakSanitizer
// even forks and traces), and in those that count coverage, where gcov writes files at the end:
// such builds run without the filter, and --info says so.
inline constexpr bool kSystemCallsFiltered = TCPEEK_FILTER_SYSTEM_CALLS != 0;

// After drop_privileges, which has set PR_SET_NO_NEW_PRIVS, and before the first thread. What the
// filter does not know fails with EPERM; what only somebody would call who has taken over the
// program ends the process (ADR 9). An error: this kernel cannot filter; nothing has changed then.
Result<void> restrict_system_calls(const RunNeeds& needs);

// "read and write what is open, ...": for people.
std::string describe(const RunNeeds& needs);

}  // namespace tcpeek
