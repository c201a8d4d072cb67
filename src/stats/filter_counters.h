// What is counted for each filter.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "handshake/session_record.h"
#include "stats/latency_histogram.h"

namespace tcpeek {

// Totals since the start.
struct SessionCounters {
    std::array<std::uint64_t, kCauseCount> sessions{};  // by cause; recovered ones as successes
    std::vector<std::uint64_t> unreach;  // of them, by IcmpCause; empty before the first
    std::uint64_t recovered = 0;
    // Sessions that had a SYN or SYN/ACK sent again, and how many such segments, whatever became
    // of the session; the part that came before a failure is not counted again when it recovers.
    std::uint64_t syn_retransmitting = 0;
    std::uint64_t synack_retransmitting = 0;
    std::uint64_t syns_retransmitted = 0;
    std::uint64_t synacks_retransmitted = 0;
    std::uint64_t successes_with_dup_syn = 0;
    std::uint64_t successes_with_dup_synack = 0;
    std::uint64_t doubtful_timeouts = 0;
    std::uint64_t unaccepted = 0;
    std::uint64_t reset_early_by_server = 0;
    std::uint64_t reset_early_by_client = 0;
    std::uint64_t evicted = 0;

    // Sessions of an outcome, whatever the cause.
    [[nodiscard]] std::uint64_t sessions_of(Outcome outcome) const;
};

// Of one filter.
struct FilterCounters : SessionCounters {
    LatencyHistogram elapsed;  // of successes
    LatencyHistogram synack;   // likewise, where known
    LatencyHistogram ack;      // likewise
};

}  // namespace tcpeek
