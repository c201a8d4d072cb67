#include "capture/boot_clock.h"

#include <time.h>

#include <utility>

#include "base/assert.h"

namespace tcpeek {
namespace {

std::int64_t read_clock(clockid_t clock) {
    timespec time{};
    TCPEEK_ASSERT(::clock_gettime(clock, &time) == 0);
    return (Duration::seconds(time.tv_sec) + Duration::nanoseconds(time.tv_nsec)).ns;
}

}  // namespace

Timestamp wall_clock_now() {
    return {read_clock(CLOCK_REALTIME)};
}

Duration boot_clock_now() {
    return {read_clock(CLOCK_BOOTTIME)};
}

Duration wall_clock_offset() {
    // The clocks cannot be read at once. A reading that was interrupted in between is repeated, a
    // few times at most.
    constexpr Duration tolerated = Duration::milliseconds(1);
    constexpr int attempts = 5;
    Duration offset;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        const Duration before = boot_clock_now();
        const Timestamp wall = wall_clock_now();
        const Duration taken = boot_clock_now() - before;
        offset = Duration{wall.ns} - before;
        if (taken <= tolerated) {
            break;
        }
    }
    return offset;
}

ClockStepDetector::ClockStepDetector(Duration threshold, std::function<Duration()> read_offset)
    : threshold_(threshold), read_offset_(std::move(read_offset)), offset_(read_offset_()) {}

std::optional<Duration> ClockStepDetector::poll() {
    const Duration offset = read_offset_();
    const Duration step = offset - offset_;
    const Duration magnitude = step < Duration{} ? -step : step;
    if (magnitude <= threshold_) {
        return std::nullopt;
    }
    offset_ = offset;
    return step;
}

}  // namespace tcpeek
