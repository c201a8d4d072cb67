#include "handshake/tracker_clock.h"

namespace tcpeek {

Timestamp TrackerClock::observe(Timestamp packet_time) {
    Timestamp time = packet_time + offset_;
    if (time < now_ - kStepThreshold) {
        ++backward_steps_;
        offset_ = offset_ + (now_ - time);
        time = now_;
    }
    if (time > now_) {
        now_ = time;
    }
    return time;
}

void TrackerClock::advance(Timestamp packet_scale_time) {
    const Timestamp time = packet_scale_time + offset_;
    if (time > now_) {
        now_ = time;
    }
}

}  // namespace tcpeek
