// The summary at the end (FORMATS: "Summary").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/timestamp.h"

namespace tcpeek {

// One filter's block: numbers of sessions.
struct FilterSummary {
    std::string name;
    std::uint64_t successes = 0;
    std::uint64_t successes_with_dup_syn = 0;
    std::uint64_t successes_with_dup_synack = 0;
    std::uint64_t unaccepted = 0;   // shown where it is not 0
    std::uint64_t reset_early = 0;  // likewise
    std::uint64_t timeouts = 0;
    std::uint64_t doubtful_timeouts = 0;  // likewise
    std::uint64_t rejects = 0;
    std::uint64_t unreaches = 0;
    std::uint64_t aborts = 0;    // shown where it is not 0
    std::uint64_t unjudged = 0;  // likewise
};

struct CaptureSummary {
    std::uint64_t received = 0;  // packets, dropped ones included
    std::uint64_t dropped_by_kernel = 0;
    std::uint64_t dropped_by_interface = 0;
    std::uint64_t pending = 0;  // sessions
    std::uint64_t evicted = 0;
    std::uint64_t malformed = 0;    // packets; shown where it is not 0
    std::uint64_t undisplayed = 0;  // records; likewise
};

// What else was counted, and how often; by its name in STATS.
struct DetailRow {
    std::string name;
    std::uint64_t count = 0;
};

struct SummaryView {
    std::optional<Timestamp> from;  // nothing: there was no packet
    std::optional<Timestamp> to;
    bool icmp = false;  // ICMP errors were looked at
    std::vector<FilterSummary> filters;
    CaptureSummary capture;
    std::optional<std::vector<DetailRow>> details;  // asked for: rows that are 0 are left out
};

std::string render_summary(const SummaryView& summary);

}  // namespace tcpeek
