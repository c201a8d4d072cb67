#include "filter/filter_expression.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tcpeek {
namespace {

struct Wrong {
    const char* text;
    std::size_t position;
    const char* expected;
};

TEST(FilterExpression, SaysWhereATextIsWrongAndWhatWasExpected) {
    const std::vector<Wrong> cases{
        {"", 0, "':' after the filter name"},
        {"web", 3, "':' after the filter name"},
        {"pcap:RX@*:80", 0, "another filter name ('pcap' is reserved)"},
        {"a\tb:RX@*:80", 1, "a filter name without control characters"},
        {"a\xc2\x85:RX@*:80", 1, "a filter name without control characters"},
        {"\xff:RX@*:80", 0, "a filter name in UTF-8"},
        {"w:rx@*:80", 2, "RX, TX or ANY"},
        {"w:RX*:80", 2, "RX, TX or ANY"},
        {"w:RX", 4, "'@' after the direction"},
        {"w:RX@", 5, "an IPv4 address or network, an IPv6 one in brackets, or *"},
        {"w:RX@host:80", 5, "an IPv4 address or network, an IPv6 one in brackets, or *"},
        {"w:RX@1.2.3:80", 5, "an IPv4 address"},
        {"w:RX@1.2.3.4/33:80", 13, "a prefix length from 0 to 32"},
        {"w:RX@[::1/129]:80", 10, "a prefix length from 0 to 128"},
        {"w:RX@[1.2.3.4]:80", 6, "an IPv6 address"},
        {"w:RX@[::1:80", 12, "']' after the IPv6 address"},
        {"w:RX@2001:db8::1:80", 5, "'[': an IPv6 address stands in brackets, as in [2001:db8::1]"},
        {"w:RX@*", 6, "':' and a port after the address"},
        {"w:RX@*:", 7, "a port from 1 to 65535, a range or *"},
        {"w:RX@*:0", 7, "a port from 1 to 65535, a range or *"},
        {"w:RX@*:65536", 7, "a port from 1 to 65535, a range or *"},
        {"w:RX@*:90-80", 7, "a range whose first port is not above its last"},
        {"w:RX@*:80-", 10, "the last port of the range"},
        {"w:RX@*:80x", 9, "':' and another port, ',' and another address, or the end"},
        {"w:RX@*:80,", 10, "an IPv4 address or network, an IPv6 one in brackets, or *"},
    };
    for (const Wrong& wrong : cases) {
        const FilterParseResult result = parse_filter_expression(wrong.text);
        EXPECT_FALSE(result.expression) << wrong.text;
        EXPECT_EQ(result.error.position, wrong.position) << wrong.text;
        EXPECT_EQ(result.error.expected, wrong.expected) << wrong.text;
    }
}

TEST(FilterExpression, ReadsPartsPortsAndNetworks) {
    const auto result =
        parse_filter_expression("APP:TX@10.1.2.3/8:80:8000-8099,[2001:db8::9/32]:*,%:%");
    ASSERT_TRUE(result.expression);
    EXPECT_EQ(result.expression->name, "APP");
    const auto& parts = result.expression->parts;
    ASSERT_EQ(parts.size(), 3U);
    EXPECT_EQ(parts[0].direction, FilterDirection::tx);
    EXPECT_EQ(*parts[0].network, *IpNetwork::parse("10.0.0.0/8")) << "host bits are masked off";
    EXPECT_EQ(parts[0].ports, (std::vector<PortRange>{{80, 80}, {8000, 8099}}));
    EXPECT_EQ(*parts[1].network, *IpNetwork::parse("2001:db8::/32"));
    EXPECT_EQ(parts[1].ports, (std::vector<PortRange>{{}}));
    EXPECT_FALSE(parts[2].network);
}

TEST(FilterExpression, TakesNamesOfUpTo64BytesAndNone) {
    EXPECT_TRUE(parse_filter_expression(":ANY@*:*").expression->name.empty());
    EXPECT_TRUE(parse_filter_expression("日本:ANY@*:*").expression);
    EXPECT_TRUE(parse_filter_expression(std::string(64, 'x') + ":ANY@*:*").expression);
    EXPECT_EQ(parse_filter_expression(std::string(65, 'x') + ":ANY@*:*").error.position, 64U);
    EXPECT_FALSE(parse_filter_expression(std::string(1'000'000, 'x')).expression);
}

}  // namespace
}  // namespace tcpeek
