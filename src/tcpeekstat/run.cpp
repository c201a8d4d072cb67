#include "tcpeekstat/run.h"

#include <fmt/format.h>

#include <chrono>
#include <string>
#include <vector>

#include "cli/standard_streams.h"
#include "tcpeekstat/gmetric.h"
#include "tcpeekstat/stats_client.h"
#include "tcpeekstat/totals_view.h"
#include "tcpeekstat/watch.h"

namespace tcpeek {
namespace {

constexpr std::chrono::milliseconds kPatience{5'000};

int fail(const Error& error) {
    tell_error(tcpeekstat_program(), error.message);
    return 1;
}

int print(const std::string& text) {
    const auto written = write_standard_output(text);
    return written ? 0 : fail(written.error());
}

int print_json(const StatConfig& config) {
    const auto answer = ask_tcpeek(config.socket, "GET", kPatience);
    return answer ? print(answer.value() + '\n') : fail(answer.error());
}

int print_totals(const StatConfig& config) {
    const auto answer = ask_tcpeek(config.socket, "STATS", kPatience);
    if (!answer) {
        return fail(answer.error());
    }
    const auto totals = parse_totals(answer.value());
    if (!totals) {
        return fail(totals.error());
    }
    std::string text;
    for (const std::string& line : view_of(totals.value(), std::nullopt)) {
        text += line + '\n';
    }
    return print(text);
}

// A value that cannot be sent does not keep the others back, unless it took all of its time: then
// the others would, too, and the next call would come before the end of this one.
int send_all(const StatConfig& config, const std::vector<GmetricValue>& values) {
    int status = 0;
    bool hangs = false;
    for (const GmetricValue& value : values) {
        if (hangs) {
            status = fail(Error{
                fmt::format("cannot send {} = {}: not tried after that", value.name, value.value)});
            continue;
        }
        const GmetricOutcome outcome =
            send_by_gmetric(config.gmetric_command, config.gmetric_config, value);
        if (!outcome.sent) {
            status = fail(outcome.sent.error());
        }
        hangs = outcome.hung;
    }
    return status;
}

// What REFRESH gives is given once: all that can be known to go wrong comes before it.
int send_to_ganglia(const StatConfig& config) {
    const auto found = find_gmetric(config.gmetric_command);
    if (!found) {
        return fail(found.error());
    }
    const auto answer = ask_tcpeek(config.socket, "REFRESH", kPatience);
    if (!answer) {
        return fail(answer.error());
    }
    const auto values = gmetric_values(answer.value());
    return values ? send_all(config, values.value()) : fail(values.error());
}

}  // namespace

int run(const StatConfig& config) {
    if (config.gmetric) {
        return send_to_ganglia(config);
    }
    if (config.json) {
        return print_json(config);
    }
    return config.watch_seconds > 0 ? watch(config) : print_totals(config);
}

}  // namespace tcpeek
