// What REFRESH tells adds up to the whole, also when answers are given back in any order.
#include <gtest/gtest.h>

#include "serve/refresh_baseline.h"

namespace tcpeek {
namespace {

Snapshot snapshot_with(std::uint64_t successes, std::uint64_t refused) {
    Snapshot snapshot;
    snapshot.filter_names = {"WEB"};
    FilterCounters& counters = snapshot.filters.emplace_back();
    counters.sessions[static_cast<std::size_t>(Cause::established)] = successes;
    counters.sessions[static_cast<std::size_t>(Cause::refused)] = refused;
    return snapshot;
}

TEST(RefreshBaseline, TellsEachSessionOnce) {
    RefreshBaseline baseline;
    EXPECT_EQ(baseline.take(snapshot_with(5, 1)).figures[0].success, 5U);
    const auto second = baseline.take(snapshot_with(7, 4));
    EXPECT_EQ(second.figures[0].success, 2U);
    EXPECT_EQ(second.figures[0].reject, 3U);
    EXPECT_EQ(baseline.take(snapshot_with(7, 4)).figures[0], SessionFigures{});
}

TEST(RefreshBaseline, WhatIsGivenBackGoesToTheNext) {
    RefreshBaseline baseline;
    const auto first = baseline.take(snapshot_with(5, 0));
    const auto second = baseline.take(snapshot_with(8, 0));
    baseline.give_back(first);
    EXPECT_EQ(baseline.take(snapshot_with(9, 0)).figures[0].success, 6U);
    baseline.give_back(second);
    EXPECT_EQ(baseline.take(snapshot_with(9, 0)).figures[0].success, 3U);
}

TEST(RefreshBaseline, FollowsFiltersThroughAReload) {
    RefreshBaseline baseline;
    static_cast<void>(baseline.take(snapshot_with(5, 0)));
    const auto lost = baseline.take(snapshot_with(7, 0));
    Snapshot other = snapshot_with(2, 0);
    other.filter_names = {"DB"};
    EXPECT_EQ(baseline.take(other).figures[0].success, 2U);
    baseline.give_back(lost);
    Snapshot both = snapshot_with(3, 0);
    both.filter_names = {"DB", "WEB"};
    both.filters.push_back(snapshot_with(8, 0).filters[0]);
    const auto told = baseline.take(both);
    EXPECT_EQ(told.names, both.filter_names);
    EXPECT_EQ(told.figures[0].success, 1U);
    EXPECT_EQ(told.figures[1].success, 3U);
}

TEST(StatsAnswers, NamesAreEscapedAndNumbersAreWhole) {
    Snapshot snapshot = snapshot_with(UINT64_MAX, 0);
    const std::string get = render_get(snapshot, {"a\"b\\\n\xff"});
    EXPECT_EQ(
        get.find("[{\"a\\\"b\\\\\\n\xef\xbf\xbd\":{\"success\":{\"total\":18446744073709551615,"),
        0U)
        << get;
    EXPECT_EQ(get.back(), '\n');
    EXPECT_EQ(render_stats_error("no \"such\" thing"), "{\"error\":\"no \\\"such\\\" thing\"}\n");
}

}  // namespace
}  // namespace tcpeek
