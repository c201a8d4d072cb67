#include "app/confinement.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/unique_fd.h"
#include "capture/kernel_filter.h"

namespace tcpeek {
namespace {

bool readable(const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).valid();
}

}  // namespace

namespace {

// With hooks, interfaces that appear later need a link to the loaded programs.
Keep rights_to_keep(const Config& config, EngineInUse engine) {
    const bool any = std::find(config.interfaces.begin(), config.interfaces.end(), "any") !=
                     config.interfaces.end();
    if (engine == EngineInUse::hooks) {
        if (config.wait && config.promiscuous && !any) {
            return Keep::tcx_promiscuous;
        }
        return config.wait || any ? Keep::tcx : Keep::nothing;
    }
    if (engine == EngineInUse::filtered_socket_by_right) {
        return config.wait ? Keep::raw_sockets_and_tables : Keep::tables;
    }
    return config.wait ? Keep::raw_sockets : Keep::nothing;
}

}  // namespace

EngineInUse filtered_socket_here() {
    return KernelFilter::table_needs_right() ? EngineInUse::filtered_socket_by_right
                                             : EngineInUse::filtered_socket;
}

RunNeeds needs_of(const Config& config, EngineInUse engine) {
    RunNeeds needs;
    needs.live = config.files.empty();
    const bool has_socket = config.socket ? !config.socket->empty() : needs.live;
    needs.answers = has_socket || config.http.has_value();
    needs.removes_socket = has_socket;
    needs.opens_files = needs.live && !config.config_file.empty();
    needs.reads_bpf_maps = needs.live && engine != EngineInUse::socket;
    needs.keep = needs.live ? rights_to_keep(config, engine) : Keep::nothing;
    return needs;
}

Result<void> confine(const Config& config, EngineInUse engine, const Log& log) {
    const RunNeeds needs = needs_of(config, engine);
    // Reads the time zone now: later its file cannot be opened.
    ::tzset();
    if (const Result<void> dropped = drop_privileges(config.user, needs.keep); !dropped) {
        return dropped;
    }
    if (needs.opens_files && !readable(config.config_file)) {
        log.write(LogLevel::warning,
                  fmt::format("{} cannot be read any more as the user that tcpeek is now, so that "
                              "SIGHUP cannot read it again; allow it with chgrp or chmod",
                              config.config_file));
    }
    // Before the filter, which denies a first connection to the journal where files are read.
    log.write(LogLevel::info, fmt::format("from here on tcpeek may: {}", describe(needs)));
    if (const Result<void> restricted = restrict_system_calls(needs); !restricted) {
        log.write(LogLevel::warning, restricted.error().message);
    }
    return {};
}

}  // namespace tcpeek
