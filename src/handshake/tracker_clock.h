// The tracker's own time: it follows packet time and never goes back.
#pragma once

#include <cstdint>

#include "base/timestamp.h"

namespace tcpeek {

class TrackerClock {
  public:
    // A packet further behind than this shows that the capturing host's clock was set back; one
    // less far behind only came late.
    static constexpr Duration kStepThreshold = Duration::seconds(1);

    // A gap of more than `longest_gap` counts as one of that length: by then nothing is left that
    // could tell the difference, and a damaged time of the far future does not use up the scale.
    explicit TrackerClock(Duration longest_gap) : longest_gap_(longest_gap) {}

    // Follows a packet's time and returns it on the tracker's scale: at most `now()`, and less for
    // a packet that came late.
    Timestamp observe(Timestamp packet_time) {
        const Timestamp time = packet_time + offset_;
        if (started_ && time >= now_ && time - now_ <= longest_gap_) {
            now_ = time;
            return time;
        }
        return observe_unusual(packet_time);
    }
    // Follows a clock reading on the packets' scale while no packets come.
    void advance(Timestamp packet_scale_time);
    // The packets' clock is known to have jumped forward by `step` while nothing happened.
    void absorb_forward_step(Duration step) { offset_ = offset_ - step; }

    // A packet's time on the tracker's scale as it stands.
    [[nodiscard]] Timestamp on_scale(Timestamp packet_time) const { return packet_time + offset_; }
    [[nodiscard]] Timestamp now() const { return now_; }
    [[nodiscard]] std::uint64_t backward_steps() const { return backward_steps_; }

  private:
    // Of the first packet, one that comes late or after a long gap.
    Timestamp observe_unusual(Timestamp packet_time);
    // The packet's time on the tracker's scale, long gaps shortened.
    Timestamp scaled(Timestamp packet_time);

    Duration longest_gap_;
    bool started_ = false;
    Timestamp now_{INT64_MIN};
    Duration offset_;  // tracker time minus packet time
    std::uint64_t backward_steps_ = 0;
};

}  // namespace tcpeek
