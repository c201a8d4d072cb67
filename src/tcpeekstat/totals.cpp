#include "tcpeekstat/totals.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/printable.h"

namespace tcpeek {
namespace {

// Keeps the filters in their order.
using Json = nlohmann::ordered_json;

std::uint64_t sum_of(const Json& counters) {
    std::uint64_t sum = 0;
    for (const auto& [name, value] : counters.items()) {
        sum += value.get<std::uint64_t>();
    }
    return sum;
}

std::optional<Duration> duration_of(const Json& nanoseconds) {
    return nanoseconds.is_null() ? std::nullopt
                                 : std::optional(Duration{nanoseconds.get<std::int64_t>()});
}

LatencyTotals latency_of(const Json& latency) {
    return {.count = latency.at("count").get<std::uint64_t>(),
            .p50 = duration_of(latency.at("p50_ns")),
            .p90 = duration_of(latency.at("p90_ns")),
            .p99 = duration_of(latency.at("p99_ns")),
            .max = duration_of(latency.at("max_ns"))};
}

FilterTotals filter_of(const std::string& name, const Json& filter) {
    const Json& sessions = filter.at("sessions");
    const Json& again = filter.at("retransmitting_sessions");
    const Json& latency = filter.at("latency");
    return {.name = printable(name),
            .success = sum_of(sessions.at("success")),
            .timeout = sum_of(sessions.at("timeout")),
            .reject = sum_of(sessions.at("reject")),
            .unreach = sum_of(sessions.at("unreach")),
            .abort = sum_of(sessions.at("abort")),
            .unjudged = sum_of(sessions.at("unjudged")),
            .recovered = filter.at("recovered").get<std::uint64_t>(),
            .syn_retransmitting = again.at("syn").get<std::uint64_t>(),
            .synack_retransmitting = again.at("synack").get<std::uint64_t>(),
            .doubtful_timeouts = filter.at("doubtful_timeouts").get<std::uint64_t>(),
            .unaccepted = filter.at("unaccepted").get<std::uint64_t>(),
            .reset_early = sum_of(filter.at("reset_early")),
            .evicted = filter.at("evicted").get<std::uint64_t>(),
            .elapsed = latency_of(latency.at("elapsed")),
            .synack = latency_of(latency.at("synack")),
            .ack = latency_of(latency.at("ack"))};
}

void take_capture(const Json& capture, Totals& totals) {
    for (const auto& [name, interface] : capture.at("interfaces").items()) {
        totals.packets += interface.at("received").get<std::uint64_t>();
        totals.dropped_by_kernel += interface.at("dropped_by_kernel").get<std::uint64_t>();
        totals.dropped_by_interface += interface.at("dropped_by_interface").get<std::uint64_t>();
    }
    if (capture.at("interfaces").empty()) {
        totals.packets = capture.at("frames").get<std::uint64_t>();
    }
}

Totals totals_of(const Json& stats) {
    Totals totals;
    totals.version = printable(stats.at("version").get<std::string>());
    totals.start = printable(stats.at("start").get<std::string>());
    totals.now = printable(stats.at("now").get<std::string>());
    const Json& pending = stats.at("pending");
    totals.syn_sent_retried = pending.at("syn_sent").at("retried").get<std::uint64_t>();
    totals.syn_sent =
        pending.at("syn_sent").at("first").get<std::uint64_t>() + totals.syn_sent_retried;
    totals.syn_received_retried = pending.at("syn_received").at("retried").get<std::uint64_t>();
    totals.syn_received =
        pending.at("syn_received").at("first").get<std::uint64_t>() + totals.syn_received_retried;
    for (const auto& [name, filter] : stats.at("filters").items()) {
        totals.filters.push_back(filter_of(name, filter));
    }
    take_capture(stats.at("capture"), totals);
    totals.unmatched = stats.at("unmatched").get<std::uint64_t>();
    totals.undisplayed = stats.at("undisplayed_records").get<std::uint64_t>();
    return totals;
}

}  // namespace

Result<Totals> parse_totals(std::string_view stats) {
    try {
        return totals_of(Json::parse(stats));
    } catch (const Json::exception& error) {
        return Error{fmt::format(
            "the STATS answer is not that of this version ({}); do tcpeek and tcpeekstat come from "
            "the same build?",
            printable(error.what()))};
    }
}

}  // namespace tcpeek
