// The counters: what happened per filter and to the capture as a whole. A copy of a Ledger is a
// consistent snapshot.
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
#include "stats/icmp_causes.h"
#include "stats/latency_histogram.h"

namespace tcpeek {

// Totals since the start.
struct FilterCounters {
    std::array<std::uint64_t, kCauseCount> sessions{};  // by cause; recovered ones as successes
    std::vector<std::uint64_t> unreach;  // of them, by IcmpCause; empty before the first
    std::uint64_t recovered = 0;
    // Sessions that had a SYN or SYN/ACK sent again, and how many such segments, whatever became
    // of the session; the part that came before a failure is not counted again when it recovers.
    std::uint64_t syn_retransmitting = 0;
    std::uint64_t synack_retransmitting = 0;
    std::uint64_t syns_retransmitted = 0;
    std::uint64_t synacks_retransmitted = 0;
    LatencyHistogram elapsed;  // of successes
    LatencyHistogram synack;   // likewise, where known
    LatencyHistogram ack;      // likewise
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

// What became of the frames before they reached the tracker.
struct FrameCounters {
    std::uint64_t frames = 0;
    std::uint64_t segments = 0;
    std::uint64_t icmp_errors = 0;
    std::uint64_t checksums_unverified = 0;
    std::array<std::uint64_t, kIgnoredReasonCount> ignored{};
    std::array<std::uint64_t, kLayerCount> malformed{};
};

// Belongs to the thread that drives the tracker; copy it to hand it on.
class Ledger {
  public:
    explicit Ledger(std::size_t filter_count) : filters_(filter_count) {}

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
    // it returns. Whoever allows new names without end bounds them.
    void rearrange(const std::vector<std::string>& before, const std::vector<std::string>& after);

    [[nodiscard]] const std::vector<FilterCounters>& filters() const { return filters_; }
    [[nodiscard]] const FrameCounters& frames() const { return frames_; }
    // Packet times of the first and the last frame; nothing before the first.
    [[nodiscard]] std::optional<Timestamp> first_time() const { return first_time_; }
    [[nodiscard]] std::optional<Timestamp> last_time() const { return last_time_; }

  private:
    void count_no_segment(const Dissected& dissected);

    std::vector<FilterCounters> filters_;            // by FilterIndex
    std::map<std::string, FilterCounters> retired_;  // by name
    FrameCounters frames_;
    std::optional<Timestamp> first_time_;
    std::optional<Timestamp> last_time_;
};

}  // namespace tcpeek
