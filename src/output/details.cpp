#include "output/details.h"

#include <fmt/format.h>

#include "output/stats_json.h"

namespace tcpeek {

std::vector<DetailRow> detail_rows(const Snapshot& snapshot) {
    std::vector<DetailRow> rows;
    for (const IgnoredRow& row : ignored_rows(snapshot)) {
        rows.push_back({row.reason, row.packets});
    }
    for (std::size_t i = 0; i < snapshot.frames.malformed.size(); ++i) {
        rows.push_back({fmt::format("malformed_{}", to_string(static_cast<Layer>(i))),
                        snapshot.frames.malformed[i]});
    }
    const TrackerCounters& tracker = snapshot.tracker;
    rows.push_back({"checksums_unverified", snapshot.frames.checksums_unverified});
    rows.push_back({"duplicates", tracker.duplicate_packets});
    rows.push_back({"backward_clock_steps", tracker.backward_clock_steps});
    rows.push_back({"negative_durations", tracker.negative_durations});
    rows.push_back({"ambiguous_latencies", tracker.ambiguous_latencies});
    rows.push_back({"unmatched", tracker.unmatched});
    return rows;
}

}  // namespace tcpeek
