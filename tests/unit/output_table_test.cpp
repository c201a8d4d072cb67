#include "output/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "output_support.h"

namespace tcpeek {
namespace {

using testing::endpoint;
using testing::example_record;
using testing::TimeZone;

// The heading and two lines of the description of the formats, byte for byte.
constexpr std::string_view kHeading =
    " TIME(s) |       TIMESTAMP       |      SRC IP:PORT            DST IP:PORT     |      RESULTS "
    " "
    "    | DUP SYN  DUP S/A\n"
    "----------------------------------------------------------------------------------------------"
    "-"
    "-----------------------\n";
constexpr std::string_view kSuccess =
    "   0.002 | 12-07-06 16:39:02.552 |   192.168.2.227:48967   192.168.2.202:80    |      success "
    " "
    "    |       0        0\n";
constexpr std::string_view kTimeout =
    "  39.947 | 12-07-06 16:41:29.723 |   192.168.2.227:58376   192.168.2.207:8080  | failure "
    "(timeout) |       2        0\n";

SessionRecord timeout_record() {
    SessionRecord record = example_record();
    record.start = Timestamp{1'341'560'489'723'000'000};
    record.client.port = 58376;
    record.server = endpoint("192.168.2.207", 8080);
    record.cause = Cause::no_reply;
    record.elapsed = Duration::milliseconds(39'947);
    record.dup_syn = 2;
    return record;
}

std::string plain(const SessionRecord& record) {
    return render_table_line(record, TableStyle::plain);
}

// The text between the bars `number` and `number` + 1 of a line (the first is 0).
std::string column(const std::string& line, int number) {
    std::size_t begin = 0;
    for (int i = 0; i < number; ++i) {
        begin = line.find('|', begin) + 1;
    }
    return line.substr(begin, line.find_first_of("|\n", begin) - begin);
}

class Table : public ::testing::Test {
  private:
    TimeZone tokyo_{"JST-9"};
};

TEST_F(Table, LooksAsTheDescriptionOfTheFormatsShows) {
    EXPECT_EQ(render_table_heading(), kHeading);
    EXPECT_EQ(plain(example_record()), kSuccess);
    EXPECT_EQ(plain(timeout_record()), kTimeout);
    EXPECT_EQ(render_listening("eth0", "EN10MB", "Ethernet", 65535),
              "listening on eth0, link-type EN10MB (Ethernet), capture size 65535 bytes\n");
}

TEST_F(Table, TimesAreCutNotRounded) {
    SessionRecord record = example_record();
    record.elapsed = Duration::nanoseconds(1'999'999'999);
    record.start = Timestamp{1'341'560'342'552'999'999};
    EXPECT_EQ(column(plain(record), 0), "   1.999 ");
    EXPECT_EQ(column(plain(record), 1), " 12-07-06 16:39:02.552 ");
    record.elapsed = Duration::nanoseconds(999'999);
    record.start = Timestamp{-1};
    EXPECT_EQ(column(plain(record), 0), "   0.000 ");
    EXPECT_EQ(column(plain(record), 1), " 70-01-01 08:59:59.999 ");
    record.elapsed = Duration::seconds(9'999);
    EXPECT_EQ(column(plain(record), 0), "9999.000 ");
    record.elapsed = Duration::seconds(86'400);
    EXPECT_EQ(column(plain(record), 0), "86400.000 ") << "a long time widens its line only";
}

TEST_F(Table, TheYearHasTwoDigitsInEveryCentury) {
    SessionRecord record = example_record();
    record.start = Timestamp{INT64_MAX};
    EXPECT_EQ(column(plain(record), 1), " 62-04-12 08:47:16.854 ");
    record.start = Timestamp{INT64_MIN};
    EXPECT_EQ(column(plain(record), 1).substr(0, 4), " 77-");
    record.start = Timestamp{1'262'304'000'000'000'000};
    EXPECT_EQ(column(plain(record), 1), " 10-01-01 09:00:00.000 ");
    record.start = Timestamp{946'652'400'000'000'000};
    EXPECT_EQ(column(plain(record), 1), " 00-01-01 00:00:00.000 ");
}

TEST_F(Table, ResultsStandInTheMiddleOfTheirColumn) {
    const std::vector<std::pair<Cause, std::string>> cases{
        {Cause::established, "      success      "},
        {Cause::simultaneous_open, "      success      "},
        {Cause::synack_unseen, "      success      "},
        {Cause::no_reply, " failure (timeout) "},
        {Cause::challenged, " failure (timeout) "},
        {Cause::no_ack, " failure (timeout) "},
        {Cause::superseded, " failure (timeout) "},
        {Cause::refused, " failure (reject)  "},
        {Cause::reset, " failure (reject)  "},
        {Cause::icmp_error, " failure (unreach) "},
        {Cause::client_reset, "  failure (abort)  "},
        {Cause::one_way, "     unjudged      "},
    };
    for (const auto& [cause, expected] : cases) {
        SessionRecord record = example_record();
        record.cause = cause;
        EXPECT_EQ(column(plain(record), 3), expected) << to_string(cause);
    }
}

TEST_F(Table, ADoubtfulTimeoutHasAQuestionMarkAndTheSameColumns) {
    SessionRecord record = timeout_record();
    record.capture_loss = true;
    std::string expected(kTimeout);
    expected.replace(expected.find("(timeout) "), 10, "(timeout)?");
    EXPECT_EQ(plain(record), expected);
    expected.replace(expected.find("failure"), 18, "\x1b[1;31mfailure (timeout)\x1b[0m?");
    EXPECT_EQ(render_table_line(record, TableStyle::colour), expected);
}

TEST_F(Table, Ipv4EndpointsAlwaysFit) {
    SessionRecord record = example_record();
    record.client = endpoint("255.255.255.255", 65535);
    record.server = endpoint("1.2.3.4", 1);
    EXPECT_EQ(column(plain(record), 2), " 255.255.255.255:65535         1.2.3.4:1     ");
    EXPECT_EQ(plain(record).size(), kSuccess.size());
}

TEST_F(Table, Ipv6EndpointsWidenTheirLineOnlyAsFarAsTheyMust) {
    SessionRecord record = example_record();
    record.client = endpoint("::1", 50000);
    record.server = endpoint("2001:db8::2", 80);
    EXPECT_EQ(column(plain(record), 2), "           [::1]:50000   [2001:db8::2]:80    ");
    EXPECT_EQ(plain(record).size(), kSuccess.size());
    record.client = endpoint("2001:db8:1111:2222:3333:4444:5555:6666", 50000);
    EXPECT_EQ(column(plain(record), 2),
              " [2001:db8:1111:2222:3333:4444:5555:6666]:50000   [2001:db8::2]:80    ");
    // An address that is written as IPv6 holds no IPv4 one (RFC 4291 2.5.5.2).
    record.client = endpoint("::ffff:192.0.2.1", 50000);
    EXPECT_NE(plain(record).find("[::ffff:192.0.2.1]:50000 "), std::string::npos);
}

TEST_F(Table, DuplicatesFillTheirColumnsToTheRight) {
    SessionRecord record = example_record();
    record.dup_syn = 1'234'567;
    record.dup_synack = 12;
    EXPECT_EQ(column(plain(record), 4), " 1234567       12");
    record.dup_syn = UINT32_MAX;
    EXPECT_EQ(column(plain(record), 4), " 4294967295       12");
}

TEST_F(Table, EveryLineEndsOnceAndHasFourBars) {
    for (const CauseProperties& row : cause_table()) {
        SessionRecord record = example_record();
        record.cause = row.cause;
        const std::string line = plain(record);
        EXPECT_EQ(std::count(line.begin(), line.end(), '|'), 4) << row.name;
        EXPECT_EQ(line.find('\n'), line.size() - 1) << row.name;
        EXPECT_EQ(line.size(), kSuccess.size()) << row.name;
    }
}

TEST_F(Table, ColourMarksFailuresAndWhatIsUnjudgedAndNothingElse) {
    const std::regex escape("\x1b\\[[0-9;]*m");
    for (const CauseProperties& row : cause_table()) {
        SessionRecord record = example_record();
        record.cause = row.cause;
        const std::string line = render_table_line(record, TableStyle::colour);
        EXPECT_EQ(std::regex_replace(line, escape, ""), plain(record)) << row.name;
        EXPECT_EQ(line.find("\x1b[1;31m") != std::string::npos, is_failure(row.outcome))
            << row.name;
        EXPECT_EQ(line.find("\x1b[33m") != std::string::npos, row.outcome == Outcome::unjudged)
            << row.name;
        const auto escapes = std::count(line.begin(), line.end(), '\x1b');
        EXPECT_EQ(escapes, line == plain(record) ? 0 : 2) << row.name << ": set once, reset once";
        EXPECT_EQ(plain(record).find('\x1b'), std::string::npos) << row.name;
    }
}

}  // namespace
}  // namespace tcpeek
