// A copy of the counters of many filters as they are at one instant, made in pieces.
#pragma once

#include <cstddef>
#include <vector>

#include "handshake/session_record.h"
#include "stats/filter_counters.h"

namespace tcpeek {

// Who counts must not be held for as long as megabytes of histograms take. At the instant
// everything is copied but the histograms' fine scales, which only successes change. These follow
// piece by piece; what a success is about to change of them before its turn comes is copied then.
class CounterCopy {
  public:
    // Begins a copy. None may be under way. Until it is over, both vectors must stay as they are.
    void begin(const std::vector<FilterCounters>& from, std::vector<FilterCounters>& to);
    // Copies the next piece; returns whether the copy is complete.
    bool go_on();
    void finish();

    // Of `from`, the filter `index` is about to count the success `record`.
    void before_counting(const SessionRecord& record, std::size_t index) {
        if (index >= copied_ && is_under_way()) {
            save(record, filters_[index]);
        }
    }

  private:
    struct FilterCopy {
        LatencyHistogram::Copy elapsed;
        LatencyHistogram::Copy synack;
        LatencyHistogram::Copy ack;
    };

    [[nodiscard]] bool is_under_way() const { return copied_ < filters_.size(); }
    static void save(const SessionRecord& record, FilterCopy& filter);

    std::vector<FilterCopy> filters_;
    std::size_t copied_ = 0;  // of `filters_`
};

}  // namespace tcpeek
