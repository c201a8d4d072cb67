#include "app/confinement.h"

#include <fmt/format.h>

#include <ctime>

namespace tcpeek {

RunNeeds needs_of(const Config& config) {
    RunNeeds needs;
    needs.live = config.files.empty();
    const bool has_socket = config.socket ? !config.socket->empty() : needs.live;
    needs.answers = has_socket || config.http.has_value();
    needs.removes_socket = has_socket;
    needs.keep = needs.live && config.wait ? Keep::raw_sockets : Keep::nothing;
    return needs;
}

Result<void> confine(const Config& config, const Log& log) {
    const RunNeeds needs = needs_of(config);
    // Reads the time zone now: later its file cannot be opened.
    ::tzset();
    if (const Result<void> dropped = drop_privileges(config.user, needs.keep); !dropped) {
        return dropped;
    }
    if (const Result<void> restricted = restrict_system_calls(needs); !restricted) {
        log.write(LogLevel::warning, restricted.error().message);
        return {};
    }
    log.write(LogLevel::info, fmt::format("from here on tcpeek may: {}", describe(needs)));
    return {};
}

}  // namespace tcpeek
