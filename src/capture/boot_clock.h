// The wall clock and the boot clock, and a detector of steps of the first against the second.
#pragma once

#include <functional>
#include <optional>

#include "base/timestamp.h"

namespace tcpeek {

// The time of day (CLOCK_REALTIME), which is also what stamps live packets.
[[nodiscard]] Timestamp wall_clock_now();

// Time since the machine was started, with what it spent suspended (CLOCK_BOOTTIME). It never
// steps; clock discipline changes its rate together with that of the wall clock.
[[nodiscard]] Duration boot_clock_now();

// How far the wall clock lies ahead of the boot clock. Constant but for steps of the wall clock.
[[nodiscard]] Duration wall_clock_offset();

// Tells when somebody set the wall clock.
class ClockStepDetector {
  public:
    static constexpr Duration default_threshold = Duration::milliseconds(500);

    // `read_offset` stands for wall_clock_offset(). It is read once here, for the start.
    explicit ClockStepDetector(Duration threshold = default_threshold,
                               std::function<Duration()> read_offset = wall_clock_offset);

    // The step since the last one that was reported, where it is larger than the threshold:
    // positive when the clock was set forward, negative when it was set back. Several small steps
    // add up until they are reported together.
    std::optional<Duration> poll();

  private:
    Duration threshold_;
    std::function<Duration()> read_offset_;
    Duration offset_;
};

}  // namespace tcpeek
