// What a run may still do once everything is open: the one place that decides it, does it and can
// say it.
#pragma once

#include <cstdint>

#include "app/log.h"
#include "app/syscall_filter.h"
#include "cli/config.h"

namespace tcpeek {

// What takes live packets.
enum class EngineInUse : std::uint8_t {
    socket,
    filtered_socket,
    filtered_socket_by_right,  // the filter's table can be changed with CAP_BPF only
    hooks,
};

EngineInUse filtered_socket_here();

// What is opened later, and so has to stay possible, follows from the options and the engine.
RunNeeds needs_of(const Config& config, EngineInUse engine);

// Gives up user (`-u`), groups, capabilities and system calls, in that order, and says so in the
// log. Before the first thread. A kernel without seccomp is a warning in the log, all else an
// error.
Result<void> confine(const Config& config, EngineInUse engine, const Log& log);

}  // namespace tcpeek
