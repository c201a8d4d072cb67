// What tcpeek has counted, as its STATS answer tells.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"

namespace tcpeek {

struct LatencyTotals {
    std::uint64_t count = 0;
    std::optional<Duration> p50;  // nothing when the count is 0
    std::optional<Duration> p90;
    std::optional<Duration> p99;
    std::optional<Duration> max;
};

struct FilterTotals {
    std::string name;
    std::uint64_t success = 0;
    std::uint64_t timeout = 0;
    std::uint64_t reject = 0;
    std::uint64_t unreach = 0;
    std::uint64_t abort = 0;
    std::uint64_t unjudged = 0;
    std::uint64_t recovered = 0;
    std::uint64_t syn_retransmitting = 0;  // sessions, whatever their verdict
    std::uint64_t synack_retransmitting = 0;
    std::uint64_t doubtful_timeouts = 0;
    std::uint64_t unaccepted = 0;
    std::uint64_t reset_early = 0;
    std::uint64_t evicted = 0;
    LatencyTotals elapsed;
    LatencyTotals synack;
    LatencyTotals ack;

    [[nodiscard]] std::uint64_t failure() const { return timeout + reject + unreach + abort; }
};

struct Totals {
    std::string version;
    std::string start;  // UTC as tcpeek writes it
    std::string now;
    std::uint64_t syn_sent = 0;  // pending attempts by stage
    std::uint64_t syn_sent_retried = 0;
    std::uint64_t syn_received = 0;
    std::uint64_t syn_received_retried = 0;
    std::vector<FilterTotals> filters;  // in the order of the user's expressions
    std::uint64_t packets = 0;          // those dropped among them
    std::uint64_t dropped_by_kernel = 0;
    std::uint64_t dropped_by_interface = 0;
    std::uint64_t unmatched = 0;
    std::uint64_t undisplayed = 0;
};

// An error when keys are missing or of another kind: then it was another version that answered.
[[nodiscard]] Result<Totals> parse_totals(std::string_view stats);

}  // namespace tcpeek
