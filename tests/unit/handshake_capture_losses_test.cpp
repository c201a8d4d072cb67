#include "handshake/capture_losses.h"

#include <gtest/gtest.h>

namespace tcpeek {
namespace {

constexpr Timestamp at(std::int64_t seconds) {
    return Timestamp{} + Duration::seconds(seconds);
}

TEST(CaptureLosses, NothingLostNothingDoubtful) {
    EXPECT_FALSE(CaptureLosses().overlap(at(0), at(100)));
}

TEST(CaptureLosses, BothEndsBelongToASpan) {
    CaptureLosses losses;
    losses.add(at(10), at(20));
    EXPECT_FALSE(losses.overlap(at(0), at(9)));
    EXPECT_TRUE(losses.overlap(at(0), at(10)));
    EXPECT_TRUE(losses.overlap(at(12), at(13)));
    EXPECT_TRUE(losses.overlap(at(20), at(30)));
    EXPECT_FALSE(losses.overlap(at(21), at(30)));
}

TEST(CaptureLosses, BetweenTwoSpansNothingWasLost) {
    CaptureLosses losses;
    losses.add(at(10), at(20));
    losses.add(at(30), at(40));
    EXPECT_FALSE(losses.overlap(at(21), at(29)));
    EXPECT_TRUE(losses.overlap(at(5), at(50)));
}

TEST(CaptureLosses, SpansThatTouchAreOne) {
    CaptureLosses losses;
    for (int i = 0; i < 1'000; ++i) {
        losses.add(at(i), at(i + 1));
    }
    losses.add(at(2'000), at(2'001));
    EXPECT_TRUE(losses.overlap(at(0), at(0)));
    EXPECT_FALSE(losses.overlap(at(1'500), at(1'600)));
}

TEST(CaptureLosses, OfVeryManyTheOldestAreJoined) {
    CaptureLosses losses;
    for (int i = 0; i < 200; ++i) {
        losses.add(at(10 * i), at(10 * i + 1));
    }
    EXPECT_TRUE(losses.overlap(at(0), at(0)));
    EXPECT_TRUE(losses.overlap(at(5), at(6))) << "joined";
    EXPECT_FALSE(losses.overlap(at(1'985), at(1'986))) << "of the newest each is remembered";
    EXPECT_TRUE(losses.overlap(at(1'990), at(1'991)));
}

}  // namespace
}  // namespace tcpeek
