// The counters: what happened per filter and to the capture as a whole.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dissect/dissected.h"
#include "filter/filter_set.h"
#include "handshake/session_record.h"
#include "stats/counter_copy.h"
#include "stats/filter_counters.h"
#include "stats/icmp_causes.h"

namespace tcpeek {

// What became of the frames before they reached the tracker.
struct FrameCounters {
    std::uint64_t frames = 0;
    std::uint64_t segments = 0;
    std::uint64_t icmp_errors = 0;
    std::uint64_t checksums_unverified = 0;
    std::array<std::uint64_t, kIgnoredReasonCount> ignored{};
    std::array<std::uint64_t, kLayerCount> malformed{};
};

// Belongs to the thread that drives the tracker.
class Ledger {
  public:
    explicit Ledger(std::size_t filter_count) : filters_(filter_count) {}
    Ledger(const Ledger&) = delete;
    Ledger& operator=(const Ledger&) = delete;

    // Counts one frame of packet time `time`.
    void count_frame(Timestamp time, const Dissected& dissected) {
        if (!first_time_) {
            first_time_ = time;
        }
        last_time_ = time;
        ++frames_.frames;
        if (const auto* segment = std::get_if<Segment>(&dissected)) {
            ++frames_.segments;
            frames_.checksums_unverified += segment->checksum_unverified ? 1U : 0U;
        } else {
            count_no_segment(dissected);
        }
    }
    // Count a verdict or event in each of `filters`.
    void count(const SessionRecord& record, std::span<const FilterIndex> filters);
    void count(const SessionEvent& event, std::span<const FilterIndex> filters);
    void count_evicted(std::span<const FilterIndex> filters);

    // The filters were `before`, in the order of FilterIndex, and are `after` from now on. Counters
    // go with the name: those of a filter that is gone are kept, so that they never go back when
    // it returns. Whoever allows new names without end bounds them. A copy under way is finished
    // first.
    void rearrange(const std::vector<std::string>& before, const std::vector<std::string>& after);

    // Copies the filters' counters into `to` as they are at this call, in pieces: a short one now,
    // the others by `continue_copy`, which says whether it was the last. Between them counting goes
    // on. One copy at a time; `to` must outlive it.
    void begin_copy(std::vector<FilterCounters>& to) { copy_.begin(filters_, to); }
    bool continue_copy() { return copy_.go_on(); }

    [[nodiscard]] const std::vector<FilterCounters>& filters() const { return filters_; }
    [[nodiscard]] const FrameCounters& frames() const { return frames_; }
    // Packet times of the first and the last frame; nothing before the first.
    [[nodiscard]] std::optional<Timestamp> first_time() const { return first_time_; }
    [[nodiscard]] std::optional<Timestamp> last_time() const { return last_time_; }

  private:
    void count_no_segment(const Dissected& dissected);

    std::vector<FilterCounters> filters_;            // by FilterIndex
    CounterCopy copy_;                               // of filters_
    std::map<std::string, FilterCounters> retired_;  // by name
    FrameCounters frames_;
    std::optional<Timestamp> first_time_;
    std::optional<Timestamp> last_time_;
};

}  // namespace tcpeek
