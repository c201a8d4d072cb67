#include "stats/ledger.h"

#include <gtest/gtest.h>

#include <array>

namespace tcpeek {
namespace {

SessionRecord record(Cause cause, std::uint32_t dup_syn = 0) {
    SessionRecord result;
    result.cause = cause;
    result.dup_syn = dup_syn;
    return result;
}

TEST(Ledger, CountsASessionOnceInEachOfItsFilters) {
    Ledger ledger(3);
    constexpr std::array<FilterIndex, 2> kBoth{0, 2};
    constexpr std::array<FilterIndex, 1> kLast{2};
    ledger.count(record(Cause::established, 1), kBoth);
    ledger.count(record(Cause::no_reply, 2), kLast);
    ledger.count(record(Cause::challenged), kLast);
    ledger.count_evicted(kLast);
    ledger.count(SessionEvent{}, kBoth);  // unaccepted
    EXPECT_EQ(ledger.filters()[0].sessions_of(Outcome::success), 1U);
    EXPECT_EQ(ledger.filters()[1].sessions_of(Outcome::success), 0U);
    EXPECT_EQ(ledger.filters()[2].sessions_of(Outcome::timeout), 2U);
    EXPECT_EQ(ledger.filters()[2].successes_with_dup_syn, 1U) << "failures do not count here";
    EXPECT_EQ(ledger.filters()[2].unaccepted, 1U);
    EXPECT_EQ(ledger.filters()[2].evicted, 1U);
    EXPECT_EQ(ledger.filters()[0].evicted, 0U);
}

TEST(Ledger, CountersGoWithTheirNames) {
    Ledger ledger(2);
    constexpr std::array<FilterIndex, 1> kFirst{0};
    constexpr std::array<FilterIndex, 1> kSecond{1};
    ledger.count(record(Cause::established), kFirst);
    ledger.count(record(Cause::refused), kSecond);
    ledger.rearrange({"A", "B"}, {"C", "A"});
    ASSERT_EQ(ledger.filters().size(), 2U);
    EXPECT_EQ(ledger.filters()[0].sessions_of(Outcome::reject), 0U) << "C is new";
    EXPECT_EQ(ledger.filters()[1].sessions_of(Outcome::success), 1U);
    ledger.count(record(Cause::established), kSecond);
    ledger.rearrange({"C", "A"}, {"A", "B", "C"});
    EXPECT_EQ(ledger.filters()[0].sessions_of(Outcome::success), 2U);
    EXPECT_EQ(ledger.filters()[1].sessions_of(Outcome::reject), 1U) << "B has come back";
    EXPECT_EQ(ledger.filters()[2].sessions_of(Outcome::success), 0U);
}

TEST(Ledger, KnowsTheFirstAndLastPacketTimesAndWhyFramesWereIgnored) {
    Ledger ledger(1);
    EXPECT_FALSE(ledger.first_time());
    ledger.count_frame(Timestamp{5}, Ignored{IgnoredReason::encrypted});
    ledger.count_frame(Timestamp{9}, Malformed{Layer::tcp});
    ledger.count_frame(Timestamp{7}, Segment{});
    EXPECT_EQ(ledger.first_time(), Timestamp{5});
    EXPECT_EQ(ledger.last_time(), Timestamp{7});
    EXPECT_EQ(ledger.frames().frames, 3U);
    EXPECT_EQ(ledger.frames().ignored[static_cast<std::size_t>(IgnoredReason::encrypted)], 1U);
    EXPECT_EQ(ledger.frames().malformed[static_cast<std::size_t>(Layer::tcp)], 1U);
}

}  // namespace
}  // namespace tcpeek
