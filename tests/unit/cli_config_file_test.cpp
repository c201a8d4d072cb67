// Configuration files: what they ask for, alone and below a command line, and what is wrong with
// them, by line.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "cli_support.h"

namespace tcpeek {
namespace {

class ConfigFile : public testing::Test {
  protected:
    ConfigFile()
        : path_((std::filesystem::temp_directory_path() /
                 fmt::format("tcpeek-config-{}.conf", ::getpid()))
                    .string()) {}
    ~ConfigFile() override { std::remove(path_.c_str()); }

    ParseResult parse(const std::string& text, Arguments arguments = {}) {
        std::ofstream(path_) << text;
        arguments.push_back("--config=" + path_);
        return parse_arguments(arguments);
    }
    std::string asks_for(const std::string& text, const Arguments& arguments = {}) {
        return described(parse(text, arguments));
    }
    // Without the file's name.
    std::string complaint(const std::string& text, const Arguments& arguments = {}) {
        std::string said = asks_for(text, arguments);
        const std::size_t name = said.find(path_);
        return name == std::string::npos ? said : said.replace(name, path_.size(), "FILE");
    }

    std::string path_;
};

TEST_F(ConfigFile, HasTheNamesOfTheOptions) {
    EXPECT_EQ(asks_for("interface = \"eth0\"\n"
                       "interface = lo   # the second\n"
                       "timeout = 5\n"
                       "; a comment of the old style\n"
                       "  quiet=true\n"
                       "icmp\n"
                       "promisc = no\n"
                       "local = 10.0.0.0/8,192.168.0.0/16\n"
                       "expression = \"WEB#1:RX@*:80,[2001:db8::/32]:8080\" # two parts\n"),
              "interface=eth0 interface=lo timeout=5 quiet icmp local=10.0.0.0/8 "
              "local=192.168.0.0/16 WEB#1:(RX * 80-80)(RX 2001:db8::/32 8080-8080)");
}

TEST_F(ConfigFile, ListsMayTakeSeveralLines) {
    const std::string expected = "A:(RX * 1-1) B:(TX 10.0.0.0/8 2-2) C:(ANY ::1/128 3-3)";
    EXPECT_EQ(asks_for("expression = [\n  \"A:RX@*:1\",  # one\n  'B:TX@10.0.0.0/8:2',\n"
                       "  \"C:ANY@[::1]:3\",\n]\n"),
              expected);
    EXPECT_EQ(asks_for("expression = [\"A:RX@*:1\", \"B:TX@10.0.0.0/8:2\"]\n"
                       "expression = C:ANY@[::1]:3\n"),
              expected);
}

TEST_F(ConfigFile, AnEmptyOneAsksForNothing) {
    EXPECT_EQ(asks_for(""), "");
    EXPECT_EQ(asks_for("\n\n# nothing\n"), "");
}

TEST_F(ConfigFile, TheCommandLineWins) {
    EXPECT_EQ(asks_for("timeout = 5\nquiet = true\n", {"-t", "9"}), "timeout=9 quiet");
    EXPECT_EQ(asks_for("interface = [\"a\", \"b\"]\n", {"-i", "c"}), "interface=c");
    EXPECT_EQ(asks_for("expression = A:RX@*:1\n", {"B:RX@*:2"}), "B:(RX * 2-2)");
    EXPECT_EQ(asks_for("interface = a\n", {"-r", "x"}), "file=x");
    EXPECT_EQ(asks_for("read = x\n", {"-i", "a"}), "interface=a");
    // What does not count must be right all the same.
    EXPECT_EQ(complaint("timeout = x\n", {"-t", "9"}),
              "usage error: FILE:1: option timeout: 'x' is not a whole number from 1 to 1000000");
}

TEST_F(ConfigFile, SettingsSayWhatCounts) {
    const ParseResult parsed =
        parse("expression = B:RX@*:2\ntimeout = 5\nquiet = off\n", {"-q", "-i", "eth0"});
    const auto& config = std::get<Config>(parsed);
    const std::vector<Setting> expected{{"interface", "eth0"},
                                        {"timeout", "5"},
                                        {"quiet", ""},
                                        {"config", path_},
                                        {"expression", "B:RX@*:2"}};
    EXPECT_EQ(config.settings, expected);
}

TEST_F(ConfigFile, ComplaintsNameTheLine) {
    struct Case {
        const char* text;
        const char* complaint;
    };
    const char* several =
        "has several values; give it one, in quotes where it holds blanks or commas";
    const Case cases[] = {
        {"\ntimout = 5\n", "FILE:2: unknown option 'timout'; did you mean timeout?"},
        {"xyzzy = 5\n", "FILE:1: unknown option 'xyzzy'; see tcpeek --help for their long names"},
        {"a.b = 5\n", "FILE:1: unknown option 'a.b'; see tcpeek --help for their long names"},
        {"t = 5\n", "FILE:1: unknown option 't'; did you mean timeout?"},
        {"quiet = 1\n\noutput = xml\n", "FILE:3: option output: 'xml' is not table or json"},
        {"quiet = maybe\n", "FILE:1: option quiet: 'maybe' is not true or false"},
        {"# x\nexpression = \"A:rx@*:80\"\n",
         "FILE:2: expression 'A:rx@*:80': position 3: expected RX, TX or ANY"},
        {"expression = [\n\"A:RX@*:1\",\n\"B:RX*:2\"\n]\n",
         "FILE:3: expression 'B:RX*:2': position 3: expected RX, TX or ANY"},
        {"expression = [\n\"A:RX@*:1\"\n", "FILE:1: the list that begins here has no end; add ]"},
        {"quiet = true\n[live]\ntimeout = 5\n",
         "FILE:2: there are no sections in this file; leave the line out"},
        {"help = true\n", "FILE:1: option help cannot stand in a file"},
        {"config = other\n", "FILE:1: option config cannot stand in a file"},
        {"info = true\n", "FILE:1: option info cannot stand in a file"},
        {"user =\n", "FILE:1: option user needs a value"},
        {"user = \"\"\n", "FILE:1: option user needs a value"},
        {"\nq\n", "FILE:2: is no option; write NAME = VALUE"},
        {"interface = a\nread = b\n",
         "FILE: read and interface exclude each other: read files or watch interfaces"},
    };
    for (const Case& each : cases) {
        EXPECT_EQ(complaint(each.text), std::string("usage error: ") + each.complaint) << each.text;
    }
    EXPECT_EQ(complaint("timeout = 5\nicmp = true\ntimeout = 6\n"),
              std::string("usage error: FILE:3: option timeout ") + several);
    EXPECT_EQ(complaint("user = a b\n"),
              std::string("usage error: FILE:1: option user ") + several);
}

TEST_F(ConfigFile, WhatCannotBeReadIsNoWrongUsage) {
    const ParseResult parsed = parse_arguments({"--config=/nonexistent/tcpeek.conf"});
    const auto& error = std::get<UsageError>(parsed);
    EXPECT_EQ(error.message,
              "cannot read /nonexistent/tcpeek.conf: No such file or directory; give --config the "
              "path of a readable file");
    EXPECT_EQ(error.status, 1);
    EXPECT_EQ(std::get<UsageError>(parse_arguments({"--config=/"})).status, 1);
    EXPECT_EQ(std::get<UsageError>(parse("x = 1\n")).status, 2);
    EXPECT_EQ(std::get<UsageError>(parse(std::string(2U << 20U, '\n'))).status, 1);
}

// Pieces that mean something to the parser, in random order.
TEST_F(ConfigFile, WhateverItHoldsIsReadOrComplainedAbout) {
    const std::string pieces[] = {"expression", "timeout", "quiet", "=",  "[",  "]",   "\"", "'",
                                  "\n",         ",",       " ",     "#",  ";",  "5",   ".",  "`",
                                  "A:RX@*:80",  "\\",      "\r",    "++", "--", "\xff"};
    std::mt19937 random(7);
    for (int round = 0; round < 3'000; ++round) {
        std::string text;
        for (std::size_t length = random() % 24; length > 0; --length) {
            text += pieces[random() % std::size(pieces)];
        }
        const ParseResult parsed = parse(text);
        EXPECT_FALSE(std::holds_alternative<Information>(parsed)) << text;
    }
}

TEST_F(ConfigFile, HostileBytesAreShownSafely) {
    EXPECT_EQ(complaint("timeout = \"\x1b[31m\xff\"\n"),
              "usage error: FILE:1: option timeout: '\\x1b[31m\\xff' is not a whole number from 1 "
              "to 1000000");
    EXPECT_EQ(complaint(std::string("\0\0 = 1\n", 7)),
              "usage error: FILE: holds a NUL byte, so it is no configuration file");
    EXPECT_NE(complaint("[[[[[[[[[[[[\n]]]]]\n").find("usage error: FILE"), std::string::npos);
}

}  // namespace
}  // namespace tcpeek
