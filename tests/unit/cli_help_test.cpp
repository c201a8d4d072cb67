// The texts that --help and --version print.
#include "cli/help.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "cli/option_table.h"
#include "cli_support.h"
#include "filter/filter_expression.h"

namespace tcpeek {
namespace {

constexpr std::string_view kGolden =
    R"help(Usage: tcpeek [option]... [expression]...

Watches TCP connections being opened, on interfaces or in capture files, and
says of each whether the handshake succeeded, and if not why and after how long.

Options:
  -i, --interface=DEV         capture on DEV; `any` is every interface; may be
                              given several times (default: the first usable
                              non-loopback interface)
  -r, --read=FILE             read a capture file (pcap or pcapng, `-` for
                              standard input); may be given several times
  -u, --user=USER             become USER (name or uid) once capture and sockets
                              are open
  -U, --socket=PATH           UNIX domain socket for statistics; `none` for no
                              socket (default: /var/run/tcpeek/tcpeek.sock, none
                              with -r)
  -c, --checksum=0,1,2        0 no verification, 1 IP header, 2 IP header and
                              TCP (default: 0)
  -t, --timeout=SEC           session timeout (default: 60)
  -B, --buffer=MB             capture buffer of the kernel (default: 2)
  -l, --loglevel=LEVEL        least level that is logged to syslog: emerg ..
                              debug, also as `LOG_NOTICE` or a number (default:
                              notice)
  -q, --quiet                 no live table; the summary and JSON lines stay
      --details               the summary also says what was ignored, by reason
      --promisc               promiscuous capture
      --icmp                  interpret ICMP and ICMPv6 errors
      --local=ADDR[/LEN],...  these addresses count as this host's, besides the
                              machine's own (needed for direction in files and
                              on mirror ports); may be given several times
  -o, --output=table,json     live sessions as the table on standard error, or
                              as JSON lines on standard output instead (default:
                              table)
      --http=[ADDR:]PORT      HTTP endpoint with /metrics and /stats; ADDR
                              defaults to 127.0.0.1 (default: off)
      --max-sessions=N        limit of pending sessions (default: 1048576)
      --capture=auto,tcx,socket
                              how live packets are taken: by programs at the
                              interface's tcx hooks, or by a packet socket;
                              `auto` takes the cheapest that works (default:
                              auto)
      --filter-entries=N      connections that the kernel filter can hold at a
                              time; 0: no kernel filter (default: 1048576)
      --wait                  wait for an interface that is absent or vanishes
      --config=FILE           read options and expressions from FILE too, as
                              NAME = VALUE; the command line wins; SIGHUP reads
                              it again
      --check-config          check options, expressions and --config, say what
                              would run; then exit
      --info                  what this build, kernel and set of rights can do;
                              then exit
  -h, --help                  this text
  -v, --version               the version

Expressions: [filter]:dir@addr:port[:port...][,addr:port...]
  Each counts the sessions it matches under its name; one without a name hides
  them. dir is RX (to this host), TX (from it) or ANY; addr is *, an address or
  network, IPv6 in brackets; the port is the server's: *, a number, a range.
    WEB:RX@*:80:443             connections to this host's web server
    DB:TX@192.168.0.0/24:3306   its connections to the database network
    :RX@[2001:db8::5]:*         what this monitoring host opens is left out

Exit status: 0 done, 1 failed at run time, 2 wrong usage, 130 after a second
SIGINT. SIGUSR1 prints the summary so far.
)help";

std::vector<std::string> lines_of(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

TEST(Help, IsExactlyThisText) {
    EXPECT_EQ(help_text(tcpeek_program()), kGolden);
}

TEST(Help, FitsATerminal) {
    for (const std::string& line : lines_of(help_text(tcpeek_program()))) {
        EXPECT_LE(line.size(), 80U) << line;
        EXPECT_TRUE(line.empty() || line.back() != ' ') << line;
    }
}

TEST(Help, HasALineForEachOption) {
    const std::string text = help_text(tcpeek_program());
    for (const OptionSpec& row : tcpeek_program().options) {
        const std::string letter =
            row.short_name == '\0' ? "    " : fmt::format("-{}, ", row.short_name);
        const std::string value = row.value.empty() ? "" : fmt::format("={}", row.value);
        const std::string entry = fmt::format("\n  {}--{}{}", letter, row.long_name, value);
        const std::size_t found = text.find(entry);
        ASSERT_NE(found, std::string::npos) << entry;
        const char after = text.at(found + entry.size());
        EXPECT_TRUE(after == ' ' || after == '\n') << entry;
    }
}

// What it shows as examples must work.
TEST(Help, ItsExpressionsAreRight) {
    std::size_t examples = 0;
    for (const std::string& line : lines_of(help_text(tcpeek_program()))) {
        if (line.find('@') == std::string::npos || line.compare(0, 4, "    ") != 0) {
            continue;
        }
        const std::string expression = line.substr(4, line.find(' ', 4) - 4);
        EXPECT_TRUE(parse_filter_expression(expression).expression) << expression;
        ++examples;
    }
    EXPECT_EQ(examples, 3U);
}

TEST(Help, IsGivenWhateverElseIsOnTheCommandLine) {
    const std::vector<Arguments> cases = {
        {"-h"},
        {"--help"},
        {"-hv"},
        {"-v", "--help"},
        {"-h", "-t", "0"},
        {"-t", "0", "-h"},
        {"--bad", "-h"},
        {"rubbish", "-h"},
        {"-h", "-i"},
        {"-hi"},
        {"--quiet=1", "-h"},
        {"-r", "a", "-i", "b", "-h"},
        {"--http=1", "-h"},
        {"-h", "--"},
    };
    for (const Arguments& arguments : cases) {
        EXPECT_EQ(described(parse_arguments(arguments)),
                  "information: " + help_text(tcpeek_program()))
            << quoted(arguments);
    }
    EXPECT_NE(described(parse_arguments({"--", "-h"})),
              "information: " + help_text(tcpeek_program()));
}

TEST(Version, IsALineOfItsOwnBeforeWhatIsBuiltIn) {
    const std::string version = described(parse_arguments({"--version"}));
    EXPECT_EQ(version.rfind("information: tcpeek ", 0), 0U) << version;
    const std::size_t first_end = version.find('\n');
    EXPECT_EQ(version.find_first_not_of("0123456789.", 20), first_end) << version;
    EXPECT_EQ(version.substr(first_end + 1).rfind("built with: ", 0), 0U) << version;
    EXPECT_NE(version.find("kernel filter"), std::string::npos);
    EXPECT_NE(version.find(", libpcap 1."), std::string::npos);
    EXPECT_EQ(std::count(version.begin(), version.end(), '\n'), 2);
    EXPECT_EQ(described(parse_arguments({"-v"})), version);
    EXPECT_EQ(described(parse_arguments({"-t", "0", "-qv"})), version);
}

TEST(OptionTable, ItsRowsAreSound) {
    std::set<std::string> names;
    for (const OptionSpec& row : tcpeek_program().options) {
        EXPECT_TRUE(names.insert(std::string(row.long_name)).second) << row.long_name;
        EXPECT_GT(row.long_name.size(), 1U);
        if (row.short_name != '\0') {
            EXPECT_TRUE(names.insert(std::string(1, row.short_name)).second) << row.long_name;
        }
        EXPECT_FALSE(row.help.empty()) << row.long_name;
        EXPECT_NE(row.help.back(), '.') << row.long_name;
        EXPECT_FALSE(row.repeats && row.value.empty()) << row.long_name;
    }
}

// A default that --help tells is one that the option itself takes, and it changes nothing.
TEST(OptionTable, ItsDefaultsAreThoseOfTheConfig) {
    std::size_t tried = 0;
    for (const std::string_view name :
         {"socket", "checksum", "timeout", "buffer", "loglevel", "output", "max-sessions"}) {
        for (const OptionSpec& row : tcpeek_program().options) {
            if (row.long_name == name) {
                EXPECT_EQ(
                    described(parse_arguments({fmt::format("--{}={}", name, row.default_text)})),
                    "");
                ++tried;
            }
        }
    }
    EXPECT_EQ(tried, 7U);
}

}  // namespace
}  // namespace tcpeek
