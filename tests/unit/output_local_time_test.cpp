#include "output/local_time.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "output_support.h"

namespace tcpeek {
namespace {

using testing::TimeZone;
using Fields = std::array<int, 7>;

constexpr std::int64_t kSecond = 1'000'000'000;

Fields fields_of(const CalendarTime& time) {
    return {time.year, time.month, time.day, time.hour, time.minute, time.second, time.nanosecond};
}

TEST(UtcTime, IsRightForEveryTimeThatSixtyFourBitsHold) {
    const std::array<std::pair<std::int64_t, Fields>, 10> cases{{
        {0, {1970, 1, 1, 0, 0, 0, 0}},
        {1, {1970, 1, 1, 0, 0, 0, 1}},
        {-1, {1969, 12, 31, 23, 59, 59, 999'999'999}},
        {-kSecond, {1969, 12, 31, 23, 59, 59, 0}},
        {-kSecond - 1, {1969, 12, 31, 23, 59, 58, 999'999'999}},
        {951'782'400 * kSecond, {2000, 2, 29, 0, 0, 0, 0}},
        {4'107'542'400 * kSecond, {2100, 3, 1, 0, 0, 0, 0}},
        {4'294'967'296 * kSecond + 5, {2106, 2, 7, 6, 28, 16, 5}},
        {std::numeric_limits<std::int64_t>::max(), {2262, 4, 11, 23, 47, 16, 854'775'807}},
        {std::numeric_limits<std::int64_t>::min(), {1677, 9, 21, 0, 12, 43, 145'224'192}},
    }};
    for (const auto& [nanoseconds, expected] : cases) {
        EXPECT_EQ(fields_of(utc_time(Timestamp{nanoseconds})), expected) << nanoseconds;
    }
}

TEST(LocalTime, FollowsTheTimeZoneOfTheProcess) {
    const Timestamp time{1'341'560'342'552'123'456};
    {
        const TimeZone tokyo("JST-9");
        EXPECT_EQ(fields_of(local_time(time)), (Fields{2012, 7, 6, 16, 39, 2, 552'123'456}));
    }
    {
        const TimeZone kolkata("IST-5:30");
        EXPECT_EQ(fields_of(local_time(time)), (Fields{2012, 7, 6, 13, 9, 2, 552'123'456}));
    }
    const TimeZone utc("UTC0");
    EXPECT_EQ(fields_of(local_time(time)), fields_of(utc_time(time)));
}

TEST(LocalTime, KnowsSummerTime) {
    const TimeZone berlin("CET-1CEST,M3.5.0,M10.5.0/3");
    // 2012-10-28: at 01:00 UTC the clocks go back from 03:00 to 02:00.
    const std::int64_t change = 1'351'386'000 * kSecond;
    EXPECT_EQ(fields_of(local_time(Timestamp{change - 1})),
              (Fields{2012, 10, 28, 2, 59, 59, 999'999'999}));
    EXPECT_EQ(fields_of(local_time(Timestamp{change})), (Fields{2012, 10, 28, 2, 0, 0, 0}));
}

TEST(LocalTime, BeforeNineteenSeventyTheDayIsTheOneBefore) {
    const TimeZone new_york("EST5");
    EXPECT_EQ(fields_of(local_time(Timestamp{-1})),
              (Fields{1969, 12, 31, 18, 59, 59, 999'999'999}));
}

}  // namespace
}  // namespace tcpeek
