// The answers of the statistics socket (FORMATS: "Statistics socket").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stats/snapshot.h"

namespace tcpeek {

// One filter's figures in GET and REFRESH: totals or a difference.
struct SessionFigures {
    std::uint64_t success = 0;
    std::uint64_t dup_syn = 0;  // of the successes
    std::uint64_t dup_synack = 0;
    std::uint64_t timeout = 0;
    std::uint64_t reject = 0;
    std::uint64_t unreach = 0;
    std::uint64_t abort = 0;
    std::uint64_t unjudged = 0;
    std::uint64_t unaccepted = 0;
    std::uint64_t reset_early = 0;

    static SessionFigures of(const FilterCounters& counters);
    SessionFigures& operator+=(const SessionFigures& other);
    SessionFigures& operator-=(const SessionFigures& other);
    friend bool operator==(const SessionFigures&, const SessionFigures&) = default;
};

// What the servers of this process count about their clients.
struct ClientCounters {
    std::uint64_t answered_get = 0;
    std::uint64_t answered_refresh = 0;
    std::uint64_t answered_stats = 0;
    std::uint64_t wrong_commands = 0;    // answered by an error
    std::uint64_t dropped_silent = 0;    // no whole line in time
    std::uint64_t dropped_unread = 0;    // did not take the answer in time
    std::uint64_t dropped_crowded = 0;   // the one that waited longest when too many came
    std::uint64_t hung_up = 0;           // gone before a whole line, or before the answer's end
    std::uint64_t refreshes_undone = 0;  // given back to the next REFRESH
    std::uint64_t http_requests = 0;
    std::uint64_t http_errors = 0;  // answered by a status of 400 and more
    std::uint64_t http_dropped = 0;
};

// Why packets were of no interest, by the names that users read: the dissector's reasons, then the
// tracker's.
struct IgnoredRow {
    std::string reason;
    std::uint64_t packets = 0;
};
std::vector<IgnoredRow> ignored_rows(const Snapshot& snapshot);

// `filters` and `names` go together. Each answer is one line with its newline; bytes in names that
// are no UTF-8 are replaced.
std::string render_get(const Snapshot& snapshot, const std::vector<std::string>& names);
std::string render_refresh(const std::vector<SessionFigures>& filters,
                           const std::vector<std::string>& names);
std::string render_stats(const Snapshot& snapshot, const std::vector<std::string>& names,
                         const ClientCounters& clients, std::string_view version);
// {"error":"..."}
std::string render_stats_error(std::string_view message);

}  // namespace tcpeek
