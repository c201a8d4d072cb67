#include <gtest/gtest.h>

#include "capture/boot_clock.h"

namespace tcpeek {
namespace {

TEST(ClockStepDetector, ReportsStepsBeyondTheThresholdOnce) {
    struct Reading {
        Duration offset;
        std::optional<Duration> step;
    };
    const Reading readings[] = {
        {Duration::seconds(1000), std::nullopt},
        {Duration::seconds(1000) + Duration::milliseconds(500), std::nullopt},
        {Duration::seconds(1000) + Duration::milliseconds(501), Duration::milliseconds(501)},
        {Duration::seconds(1000) + Duration::milliseconds(501), std::nullopt},
        {Duration::seconds(4600), Duration::seconds(3600) - Duration::milliseconds(501)},
        {Duration::seconds(1000), -Duration::seconds(3600)},
        // Small steps add up.
        {Duration::seconds(1000) + Duration::milliseconds(300), std::nullopt},
        {Duration::seconds(1000) + Duration::milliseconds(600), Duration::milliseconds(600)},
    };
    Duration offset = Duration::seconds(1000);
    ClockStepDetector detector(ClockStepDetector::default_threshold, [&offset] { return offset; });
    for (const Reading& reading : readings) {
        offset = reading.offset;
        EXPECT_EQ(detector.poll(), reading.step);
    }
}

TEST(ClockStepDetector, IsQuietWithTheRealClocks) {
    ClockStepDetector detector;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_FALSE(detector.poll());
    }
}

TEST(Clocks, GoForward) {
    const Timestamp wall = wall_clock_now();
    const Duration boot = boot_clock_now();
    EXPECT_GT(wall, Timestamp{} + Duration::seconds(1'500'000'000));
    EXPECT_GT(boot, Duration{});
    EXPECT_LE(boot, boot_clock_now());
}

}  // namespace
}  // namespace tcpeek
