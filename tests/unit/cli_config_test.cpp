// Arguments that are right, and the Config that they make.
#include <gtest/gtest.h>

#include "cli_support.h"

namespace tcpeek {
namespace {

struct Case {
    Arguments arguments;
    std::string config;  // as `described`; empty: as without any option
};

void expect_configs(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        EXPECT_EQ(described(parse_arguments(one.arguments)), one.config) << quoted(one.arguments);
    }
}

TEST(CommandLine, NothingGivenMeansTheDocumentedDefaults) {
    const ParseResult result = parse_arguments({});
    const auto* config = std::get_if<Config>(&result);
    ASSERT_NE(config, nullptr);
    EXPECT_TRUE(config->interfaces.empty());
    EXPECT_TRUE(config->files.empty());
    EXPECT_EQ(config->user, "");
    EXPECT_EQ(config->checksum_mode, 0U);
    EXPECT_EQ(config->timeout_seconds, 60U);
    EXPECT_EQ(config->buffer_megabytes, 2U);
    EXPECT_EQ(config->log_level, 5);
    EXPECT_FALSE(config->quiet || config->promiscuous || config->icmp || config->info);
    EXPECT_TRUE(config->local.empty());
    EXPECT_EQ(config->output, OutputForm::table);
    EXPECT_EQ(config->max_sessions, 1'048'576U);
    EXPECT_EQ(config->filter_entries, 1'048'576U);
    EXPECT_TRUE(config->expressions.empty());
}

TEST(CommandLine, EachOptionSetsItsField) {
    expect_configs({
        {{"-i", "eth0"}, "interface=eth0"},
        {{"-i", "any"}, "interface=any"},
        {{"-r", "a.pcap"}, "file=a.pcap"},
        {{"-r", "-"}, "file=-"},
        {{"-u", "nobody"}, "user=nobody"},
        {{"-u", "65534"}, "user=65534"},
        {{"-U", "none"}, ""},
        {{"-c", "0"}, ""},
        {{"-c", "1"}, "checksum=1"},
        {{"-c", "2"}, "checksum=2"},
        {{"-t", "1"}, "timeout=1"},
        {{"-t", "1000000"}, "timeout=1000000"},
        {{"-B", "1"}, "buffer=1"},
        {{"-B", "2047"}, "buffer=2047"},
        {{"-l", "debug"}, "log=7"},
        {{"-q"}, "quiet"},
        {{"--promisc"}, "promiscuous"},
        {{"--icmp"}, "icmp"},
        {{"--local=192.0.2.1"}, "local=192.0.2.1/32"},
        {{"-o", "table"}, ""},
        {{"-o", "json"}, "json"},
        {{"--max-sessions=1"}, "max_sessions=1"},
        {{"--max-sessions=1000000000"}, "max_sessions=1000000000"},
        {{"--info"}, "info"},
    });
}

TEST(CommandLine, TheFormsOfAnOptionAreThoseOfGetopt) {
    expect_configs({
        {{"-ieth0"}, "interface=eth0"},
        {{"--interface=eth0"}, "interface=eth0"},
        {{"--interface", "eth0"}, "interface=eth0"},
        {{"-i", "eth0", "-ieth1", "--interface=eth2"},
         "interface=eth0 interface=eth1 interface=eth2"},
        {{"-qieth0"}, "interface=eth0 quiet"},
        {{"-qi", "eth0"}, "interface=eth0 quiet"},
        {{"-qt5"}, "timeout=5 quiet"},
        {{"-qq", "-q", "--quiet"}, "quiet"},
        {{"-r-"}, "file=-"},
        {{"--read=-"}, "file=-"},
        {{"--read", "-", "-r", "a"}, "file=- file=a"},
        {{"-t5", "-B", "4", "--checksum=2", "-l7", "-ojson", "-Unone", "-unobody"},
         "user=nobody checksum=2 timeout=5 buffer=4 log=7 json"},
        {{"--interface=a=b"}, "interface=a=b"},
    });
}

TEST(CommandLine, ValuesComeThroughAsTheyAre) {
    expect_configs({
        {{"-r", "[a,b]"}, "file=[a,b]"},
        {{"-r", "[a", "-r", "b]"}, "file=[a file=b]"},
        {{"-r", "{}"}, "file={}"},
        {{"--read={}", "-r", "a"}, "file={} file=a"},
        {{"-r", "%%", "-r", "a"}, "file=%% file=a"},
        {{"-r", "\"a b\""}, "file=\"a b\""},
        {{"-r", "a,b;c"}, "file=a,b;c"},
        {{"-r", " a "}, "file= a "},
        {{"-r", "./-x"}, "file=./-x"},
        {{"-r", "\xff\x1b"}, "file=\xff\x1b"},
        {{"-i", "[::1]"}, "interface=[::1]"},
        {{"-u", "true"}, "user=true"},
    });
}

TEST(CommandLine, OptionsAndExpressionsMixInAnyOrder) {
    const std::string web = "WEB:(RX * 80-80)";
    const std::string all = ":(ANY * 1-65535)";
    expect_configs({
        {{"WEB:RX@*:80"}, web},
        {{"-i", "eth0", "WEB:RX@*:80"}, "interface=eth0 " + web},
        {{"WEB:RX@*:80", "-i", "eth0"}, "interface=eth0 " + web},
        {{"-i", "a", "WEB:RX@*:80", "-i", "b", ":ANY@*:*", "-q"},
         "interface=a interface=b quiet " + web + " " + all},
        {{"-r", "a", ":ANY@*:*", "-r", "b", "WEB:RX@*:80"}, "file=a file=b " + all + " " + web},
        {{"--local", "10.0.0.1", "WEB:RX@*:80"}, "local=10.0.0.1/32 " + web},
        {{"-q", "WEB:RX@*:80", "--icmp"}, "quiet icmp " + web},
        {{"WEB:RX@*:80", "WEB:RX@*:80"}, web + " " + web},
    });
}

TEST(CommandLine, ExpressionsComeThroughRaw) {
    expect_configs({
        {{":RX@*:*"}, ":(RX * 1-65535)"},
        {{"A:RX@[2001:db8::1]:80"}, "A:(RX 2001:db8::1/128 80-80)"},
        {{"A:TX@[2001:db8::/32]:80:443,[::1]:1,10.0.0.1/8:2-3"},
         "A:(TX 2001:db8::/32 80-80 443-443)(TX ::1/128 1-1)(TX 10.0.0.0/8 2-3)"},
        {{"[a,b]:RX@*:80"}, "[a,b]:(RX * 80-80)"},
        {{"{}:RX@*:80"}, "{}:(RX * 80-80)"},
        {{"\"a b\":RX@*:80"}, "\"a b\":(RX * 80-80)"},
        {{"/q:RX@*:80"}, "/q:(RX * 80-80)"},
        {{"a=b:RX@*:80"}, "a=b:(RX * 80-80)"},
        {{"caf\xc3\xa9:RX@*:80"}, "caf\xc3\xa9:(RX * 80-80)"},
    });
}

TEST(CommandLine, TwoDashesEndTheOptions) {
    expect_configs({
        {{"--"}, ""},
        {{"-q", "--"}, "quiet"},
        {{"--", "-q:RX@*:80"}, "-q:(RX * 80-80)"},
        {{"-i", "a", "--", "--icmp:RX@*:80", "A:TX@*:1"},
         "interface=a --icmp:(RX * 80-80) A:(TX * 1-1)"},
        {{"A:TX@*:1", "--", "-:RX@*:80"}, "A:(TX * 1-1) -:(RX * 80-80)"},
        {{"--", "--:RX@*:80"}, "--:(RX * 80-80)"},
    });
}

TEST(CommandLine, LogLevels) {
    expect_configs({
        {{"-l", "emerg"}, "log=0"},   {{"-l", "alert"}, "log=1"},
        {{"-l", "crit"}, "log=2"},    {{"-l", "err"}, "log=3"},
        {{"-l", "warning"}, "log=4"}, {{"-l", "notice"}, ""},
        {{"-l", "info"}, "log=6"},    {{"-l", "debug"}, "log=7"},
        {{"-l", "panic"}, "log=0"},   {{"-l", "emergency"}, "log=0"},
        {{"-l", "error"}, "log=3"},   {{"-l", "critical"}, "log=2"},
        {{"-l", "warn"}, "log=4"},    {{"-l", "WARN"}, "log=4"},
        {{"-l", "LOG_NOTICE"}, ""},   {{"-l", "LOG_DEBUG"}, "log=7"},
        {{"-l", "log_Err"}, "log=3"}, {{"-l", "Info"}, "log=6"},
        {{"-l", "0"}, "log=0"},       {{"-l", "5"}, ""},
        {{"-l", "7"}, "log=7"},
    });
}

TEST(CommandLine, LocalNetworks) {
    expect_configs({
        {{"--local=10.1.2.3/8"}, "local=10.0.0.0/8"},
        {{"--local=0.0.0.0/0,::/0"}, "local=0.0.0.0/0 local=::/0"},
        {{"--local=2001:db8::1"}, "local=2001:db8::1/128"},
        {{"--local=2001:db8::/32,192.0.2.1"}, "local=2001:db8::/32 local=192.0.2.1/32"},
        {{"--local=[2001:db8::1]"}, "local=2001:db8::1/128"},
        {{"--local=[2001:db8::/32]"}, "local=2001:db8::/32"},
        {{"--local=[2001:db8::]/32"}, "local=2001:db8::/32"},
        {{"--local", "[::1],10.0.0.1", "--local=10.0.0.2"},
         "local=::1/128 local=10.0.0.1/32 local=10.0.0.2/32"},
    });
}

TEST(CommandLine, ManyRepetitionsKeepTheirOrder) {
    Arguments arguments;
    std::string expected;
    for (int i = 0; i < 1'000; ++i) {
        arguments.push_back("-i");
        arguments.push_back(fmt::format("eth{}", i));
        expected += fmt::format("{}interface=eth{}", i == 0 ? "" : " ", i);
    }
    EXPECT_EQ(described(parse_arguments(arguments)), expected);
}

TEST(CommandLine, AProgramStartedWithoutItsNameHasNoArguments) {
    const char* const nothing[] = {nullptr};
    EXPECT_EQ(described(parse_command_line(0, nothing)), "");
}

}  // namespace
}  // namespace tcpeek
