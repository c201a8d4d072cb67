#include "output/summary.h"

#include <gtest/gtest.h>

#include "output_support.h"

namespace tcpeek {
namespace {

using testing::TimeZone;

// 2012-07-02 16:48:33 and 86.106 s later, in Tokyo.
constexpr Timestamp kFrom{1'341'215'313'000'000'000};
constexpr Timestamp kTo{1'341'215'399'106'999'999};

constexpr std::string_view kRule = "------------------------------------\n";

FilterSummary filter(std::string name) {
    FilterSummary summary;
    summary.name = std::move(name);
    return summary;
}

SummaryView view_of(std::vector<FilterSummary> filters) {
    SummaryView view;
    view.from = kFrom;
    view.to = kTo;
    view.filters = std::move(filters);
    return view;
}

// The block of the only filter, without the rules around it.
std::string block_of(const SummaryView& view) {
    const std::string text = render_summary(view);
    const std::size_t begin = text.find(kRule) + kRule.size();
    return text.substr(begin, text.find(kRule, begin) - begin);
}

std::string capture_block_of(const CaptureSummary& capture) {
    SummaryView view = view_of({});
    view.capture = capture;
    const std::string text = render_summary(view);
    const std::size_t begin = text.find(kRule) + kRule.size();
    return text.substr(begin, text.rfind("====================================\n") - begin);
}

std::string time_row_of(std::optional<Timestamp> from, std::optional<Timestamp> to) {
    SummaryView view;
    view.from = from;
    view.to = to;
    const std::string text = render_summary(view);
    const std::size_t begin = text.find("     time :");
    return text.substr(begin, text.find('\n', begin) - begin);
}

class Summary : public ::testing::Test {
  private:
    TimeZone tokyo_{"JST-9"};
};

TEST(SummaryDetails, AreShownWhereAskedForAndNotZero) {
    SummaryView view;
    EXPECT_EQ(render_summary(view).find("details"), std::string::npos);
    view.details = {{"rst_unfit", 12}, {"ack_unfit", 0}, {"unmatched", 3}};
    const std::string text = render_summary(view);
    EXPECT_NE(text.find("------------------------------------\n"
                        " details\n"
                        "   rst_unfit             :         12\n"
                        "   unmatched             :          3\n"
                        "====================================\n"),
              std::string::npos)
        << text;
}

TEST_F(Summary, LooksAsTheDescriptionOfTheFormatsShows) {
    FilterSummary rx = filter("RX");
    rx.rejects = 10;
    SummaryView view = view_of({rx, filter("TX")});
    view.capture.received = 123;
    EXPECT_EQ(render_summary(view),
              "========== TCPEEK SUMMARY ==========\n"
              "     from : 2012-07-02 16:48:33\n"
              "       to : 2012-07-02 16:49:59\n"
              "     time :        86.106 (sec)\n"
              "------------------------------------\n"
              " RX\n"
              "   Success: 0 session\n"
              "     SYN Segment Duplicate :      0\n"
              "     S/A Segment Duplicate :      0\n"
              "   Failure: 10 session\n"
              "     Connection Timed Out  :      0\n"
              "     Connection Rejected   :     10\n"
              "------------------------------------\n"
              " TX\n"
              "   Success: 0 session\n"
              "     SYN Segment Duplicate :      0\n"
              "     S/A Segment Duplicate :      0\n"
              "   Failure: 0 session\n"
              "     Connection Timed Out  :      0\n"
              "     Connection Rejected   :      0\n"
              "------------------------------------\n"
              " capture\n"
              "   Packets received      :        123\n"
              "   Dropped by kernel     :          0\n"
              "   Dropped by interface  :          0\n"
              "   Sessions pending      :          0\n"
              "   Sessions evicted      :          0\n"
              "====================================\n");
}

TEST_F(Summary, EveryRowHasItsPlace) {
    FilterSummary all = filter("ALL");
    all.successes = 100;
    all.successes_with_dup_syn = 11;
    all.successes_with_dup_synack = 12;
    all.unaccepted = 13;
    all.reset_early = 14;
    all.timeouts = 15;
    all.doubtful_timeouts = 16;
    all.rejects = 17;
    all.unreaches = 18;
    all.aborts = 19;
    all.unjudged = 20;
    SummaryView view = view_of({all});
    view.icmp = true;
    EXPECT_EQ(block_of(view),
              " ALL\n"
              "   Success: 100 session\n"
              "     SYN Segment Duplicate :     11\n"
              "     S/A Segment Duplicate :     12\n"
              "     Not Accepted by Server :     13\n"
              "     Reset before any Data  :     14\n"
              "   Failure: 69 session\n"
              "     Connection Timed Out  :     15\n"
              "       of which doubtful   :     16\n"
              "     Connection Rejected   :     17\n"
              "     ICMP Unreachable      :     18\n"
              "     Connection Aborted    :     19\n"
              "   Unjudged: 20 session\n");
}

TEST_F(Summary, RowsThatMayBeAbsentComeOneByOne) {
    const std::vector<std::pair<std::uint64_t FilterSummary::*, std::string>> cases{
        {&FilterSummary::unaccepted, "     Not Accepted by Server :      1\n"},
        {&FilterSummary::reset_early, "     Reset before any Data  :      1\n"},
        {&FilterSummary::doubtful_timeouts, "       of which doubtful   :      1\n"},
        {&FilterSummary::aborts, "     Connection Aborted    :      1\n"},
        {&FilterSummary::unjudged, "   Unjudged: 1 session\n"},
    };
    const std::string without = block_of(view_of({filter("ALL")}));
    for (const auto& [field, row] : cases) {
        EXPECT_EQ(without.find(row.substr(0, row.find(':'))), std::string::npos) << row;
        FilterSummary all = filter("ALL");
        all.*field = 1;
        const std::string with = block_of(view_of({all}));
        EXPECT_NE(with.find(row), std::string::npos) << with;
        EXPECT_EQ(with.size(), without.size() + row.size()) << "no other row comes with it";
    }
}

TEST_F(Summary, UnreachableStandsThereWheneverIcmpIsLookedAt) {
    SummaryView view = view_of({filter("ALL")});
    EXPECT_EQ(block_of(view).find("ICMP"), std::string::npos);
    view.icmp = true;
    EXPECT_NE(block_of(view).find("     ICMP Unreachable      :      0\n"), std::string::npos);
}

TEST_F(Summary, UnjudgedAndPendingAreNoFailures) {
    FilterSummary all = filter("ALL");
    all.timeouts = 1;
    all.rejects = 2;
    all.aborts = 4;
    all.unjudged = 100;
    EXPECT_NE(block_of(view_of({all})).find("   Failure: 7 session\n"), std::string::npos);
}

TEST_F(Summary, FiltersComeInTheirOrderWithTheirNamesAsTheyAre) {
    const std::string text =
        render_summary(view_of({filter("z"), filter("ウェブ"), filter("a b"), filter("capture")}));
    const std::size_t z = text.find("\n z\n");
    const std::size_t web = text.find("\n ウェブ\n");
    const std::size_t spaced = text.find("\n a b\n");
    ASSERT_NE(z, std::string::npos);
    ASSERT_NE(web, std::string::npos);
    ASSERT_NE(spaced, std::string::npos);
    EXPECT_TRUE(z < web && web < spaced);
}

TEST_F(Summary, ANameThatLooksLikeAFormatIsText) {
    EXPECT_NE(render_summary(view_of({filter("{}%s{0}")})).find("\n {}%s{0}\n"), std::string::npos);
}

TEST_F(Summary, LargeNumbersWidenTheirRowOnly) {
    FilterSummary all = filter("ALL");
    all.successes = UINT64_MAX;
    all.rejects = 1'234'567;
    const std::string text = block_of(view_of({all}));
    EXPECT_NE(text.find("   Success: 18446744073709551615 session\n"), std::string::npos);
    EXPECT_NE(text.find("     Connection Rejected   : 1234567\n"), std::string::npos);
}

TEST_F(Summary, WithoutPacketsThereIsNoTime) {
    const std::string text = render_summary(SummaryView{});
    EXPECT_EQ(text.substr(0, text.find(kRule)),
              "========== TCPEEK SUMMARY ==========\n"
              "     from : -\n"
              "       to : -\n"
              "     time :         0.000 (sec)\n");
}

TEST_F(Summary, TheTimeIsCutAndNeverNegative) {
    EXPECT_EQ(time_row_of(kFrom, kFrom), "     time :         0.000 (sec)");
    EXPECT_EQ(time_row_of(kFrom, kTo), "     time :        86.106 (sec)") << "not rounded";
    EXPECT_EQ(time_row_of(kTo, kFrom), "     time :         0.000 (sec)");
    EXPECT_EQ(time_row_of(kTo, kTo - Duration::milliseconds(1)), "     time :         0.000 (sec)");
    EXPECT_EQ(time_row_of(kFrom, std::nullopt), "     time :         0.000 (sec)");
    EXPECT_EQ(time_row_of(Timestamp{0}, Timestamp{123'456'789'012'000'000}),
              "     time : 123456789.012 (sec)");
    EXPECT_EQ(time_row_of(Timestamp{INT64_MIN}, Timestamp{INT64_MAX}),
              "     time : 9223372036.854 (sec)")
        << "saturates";
}

TEST_F(Summary, FromAndToAreCutToSecondsAlsoBeforeNineteenSeventy) {
    SummaryView view;
    view.from = Timestamp{-1};
    view.to = Timestamp{999'999'999};
    const std::string text = render_summary(view);
    EXPECT_NE(text.find("     from : 1970-01-01 08:59:59\n"), std::string::npos) << text;
    EXPECT_NE(text.find("       to : 1970-01-01 09:00:00\n"), std::string::npos) << text;
}

TEST_F(Summary, TheCaptureBlockNamesAllThatWasLost) {
    CaptureSummary capture;
    capture.received = 12'345'678'901;
    capture.dropped_by_kernel = 1;
    capture.dropped_by_interface = 2;
    capture.pending = 3;
    capture.evicted = 4;
    const std::string five =
        " capture\n"
        "   Packets received      : 12345678901\n"
        "   Dropped by kernel     :          1\n"
        "   Dropped by interface  :          2\n"
        "   Sessions pending      :          3\n"
        "   Sessions evicted      :          4\n";
    EXPECT_EQ(capture_block_of(capture), five);
    capture.malformed = 5;
    capture.undisplayed = 6;
    EXPECT_EQ(capture_block_of(capture), five +
                                             "   Packets malformed     :          5\n"
                                             "   Records not displayed :          6\n");
}

}  // namespace
}  // namespace tcpeek
