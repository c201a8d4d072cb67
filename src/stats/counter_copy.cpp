#include "stats/counter_copy.h"

#include "base/assert.h"

namespace tcpeek {
namespace {

// Groups of 256 octets in one piece, give or take a filter's: some ten microseconds.
constexpr std::size_t kGroupsInPiece = 512;

}  // namespace

void CounterCopy::begin(const std::vector<FilterCounters>& from, std::vector<FilterCounters>& to) {
    TCPEEK_ASSERT(!is_under_way());
    filters_.clear();
    copied_ = 0;
    to.resize(from.size());
    for (std::size_t i = 0; i < from.size(); ++i) {
        static_cast<SessionCounters&>(to[i]) = from[i];
        filters_.push_back({{from[i].elapsed, to[i].elapsed},
                            {from[i].synack, to[i].synack},
                            {from[i].ack, to[i].ack}});
    }
}

bool CounterCopy::go_on() {
    for (std::size_t groups = 0; is_under_way() && groups < kGroupsInPiece; ++copied_) {
        FilterCopy& filter = filters_[copied_];
        groups += filter.elapsed.finish() + filter.synack.finish() + filter.ack.finish();
    }
    return !is_under_way();
}

void CounterCopy::finish() {
    while (!go_on()) {
    }
}

void CounterCopy::save(const SessionRecord& record, FilterCopy& filter) {
    filter.elapsed.before_adding(record.elapsed);
    if (record.synack) {
        filter.synack.before_adding(*record.synack);
    }
    if (record.ack) {
        filter.ack.before_adding(*record.ack);
    }
}

}  // namespace tcpeek
