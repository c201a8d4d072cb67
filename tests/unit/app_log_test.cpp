#include "app/log.h"

#include <gtest/gtest.h>

namespace tcpeek {
namespace {

TEST(LogRate, AdmitsSoManyInEachPeriodAndCountsTheRest) {
    LogRate rate;
    const Duration start = Duration::seconds(1'000);
    for (std::uint32_t i = 0; i < LogRate::kMessages; ++i) {
        ASSERT_TRUE(rate.admit(start));
    }
    EXPECT_FALSE(rate.admit(start));
    EXPECT_FALSE(rate.admit(start + LogRate::kPeriod - Duration::nanoseconds(1)));
    EXPECT_EQ(rate.take_suppressed(), 0U) << "it is told when the next period has begun";
    EXPECT_TRUE(rate.admit(start + LogRate::kPeriod));
    EXPECT_EQ(rate.take_suppressed(), 2U);
    EXPECT_EQ(rate.take_suppressed(), 0U) << "once";
}

TEST(Log, TheLeastLevelMayChange) {
    Log log(LogLevel::notice);
    EXPECT_TRUE(log.enabled(LogLevel::emerg));
    EXPECT_TRUE(log.enabled(LogLevel::notice));
    EXPECT_FALSE(log.enabled(LogLevel::info));
    log.set_least(LogLevel::debug);
    EXPECT_TRUE(log.enabled(LogLevel::debug));
}

}  // namespace
}  // namespace tcpeek
