#include "handshake/tracker_clock.h"

namespace tcpeek {

Timestamp TrackerClock::scaled(Timestamp packet_time) {
    const Timestamp time = packet_time + offset_;
    const Timestamp latest = now_ + longest_gap_;
    if (!started_ || time <= latest) {
        started_ = true;
        return time;
    }
    offset_ = offset_ - (time - latest);
    return latest;
}

Timestamp TrackerClock::observe_unusual(Timestamp packet_time) {
    Timestamp time = scaled(packet_time);
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
    const Timestamp time = scaled(packet_scale_time);
    if (time > now_) {
        now_ = time;
    }
}

}  // namespace tcpeek
