// Arguments that are wrong, and the exact line that says so.
#include <gtest/gtest.h>

#include "cli_support.h"

namespace tcpeek {
namespace {

struct Case {
    Arguments arguments;
    std::string line;
};

void expect_errors(const std::vector<Case>& cases) {
    for (const Case& one : cases) {
        EXPECT_EQ(described(parse_arguments(one.arguments)), "usage error: " + one.line)
            << quoted(one.arguments);
    }
}

TEST(UsageErrors, UnknownOptions) {
    expect_errors({
        {{"--timout", "5"}, "unknown option '--timout'; did you mean --timeout?"},
        {{"--interfce=eth0"}, "unknown option '--interfce'; did you mean --interface?"},
        {{"--Quiet"}, "unknown option '--Quiet'; did you mean --quiet?"},
        {{"--icpm"}, "unknown option '--icpm'; did you mean --icmp?"},
        {{"-promisc"}, "unknown option '-promisc'; did you mean --promisc?"},
        {{"--int=eth0"}, "unknown option '--int'; did you mean --interface?"},
        {{"--max=5"}, "unknown option '--max'; did you mean --max-sessions?"},
        {{"-T", "5"}, "unknown option '-T'; did you mean -t?"},
        {{"-b", "5"}, "unknown option '-b'; did you mean -B?"},
        {{"-x"}, "unknown option '-x'; see tcpeek --help"},
        {{"-qx"}, "unknown option '-x'; see tcpeek --help"},
        {{"-1"}, "unknown option '-1'; see tcpeek --help"},
        {{"--xyzzy=1"}, "unknown option '--xyzzy'; see tcpeek --help"},
        {{"--bad"}, "unknown option '--bad'; see tcpeek --help"},
        {{"--c"}, "unknown option '--c'; see tcpeek --help"},
        {{"---q"}, "unknown option '---q'; see tcpeek --help"},
        {{"--=q"}, "unknown option '--=q'; see tcpeek --help"},
        {{"-=q"}, "unknown option '-=q'; see tcpeek --help"},
        {{"A:RX@*:80", "-web:RX@*:80"},
         "unknown option '-web:RX@*:80'; an expression that begins with '-' stands after --"},
        {{"-:RX@*:80"},
         "unknown option '-:RX@*:80'; an expression that begins with '-' stands after --"},
    });
}

TEST(UsageErrors, ValuesThatAreMissingOrTooMany) {
    expect_errors({
        {{"-i"}, "option -i needs a value: --interface=DEV"},
        {{"--interface"}, "option -i needs a value: --interface=DEV"},
        {{"-qt"}, "option -t needs a value: --timeout=SEC"},
        {{"A:RX@*:80", "--local"}, "option --local needs a value: --local=ADDR[/LEN],..."},
        {{"-i", ""}, "option -i needs a value (DEV), not an empty one"},
        {{"-u", ""}, "option -u needs a value (USER), not an empty one"},
        {{"-i", "", "-i", "a"}, "option -i needs a value (DEV), not an empty one"},
        {{"--interface=", "eth0"}, "option -i needs a value (DEV), not an empty one"},
        {{"--timeout=", "5"}, "option -t needs a value (SEC), not an empty one"},
        {{"--local="}, "option --local needs a value (ADDR[/LEN],...), not an empty one"},
        {{"-t", "5", "-t", "5"}, "option -t is given 2 times; give it once"},
        {{"-c0", "--checksum=1", "-c2"}, "option -c is given 3 times; give it once"},
        {{"-o", "json", "-o", "table"}, "option -o is given 2 times; give it once"},
        {{"-U", "none", "-U", "none"}, "option -U is given 2 times; give it once"},
        {{"-u", "a", "-u", "b"}, "option -u is given 2 times; give it once"},
        {{"--max-sessions=1", "--max-sessions=1"},
         "option --max-sessions is given 2 times; give it once"},
    });
}

TEST(UsageErrors, FlagsTakeNoValue) {
    expect_errors({
        {{"--quiet=no"}, "option --quiet takes no value, but '--quiet=no' gives it one"},
        {{"--quiet=true"}, "option --quiet takes no value, but '--quiet=true' gives it one"},
        {{"--icmp="}, "option --icmp takes no value, but '--icmp=' gives it one"},
        {{"-q=1"}, "option -q takes no value, but '-q=1' gives it one"},
        {{"-qq=1"}, "option -q takes no value, but '-qq=1' gives it one"},
        {{"-q-"}, "option -q takes no value, but '-q-' gives it one"},
        {{"-q-icmp"}, "option -q takes no value, but '-q-icmp' gives it one"},
        {{"--quiet", "no"}, "expression 'no': position 3: expected ':' after the filter name"},
    });
}

TEST(UsageErrors, AnOptionIsNotTheValueOfAnother) {
    expect_errors({
        {{"-i", "-q"}, "option -i: '-q' looks like an option, not like an interface"},
        {{"-i", "-h"}, "option -i: '-h' looks like an option, not like an interface"},
        {{"-i", "--", "A:RX@*:80"}, "option -i: '--' looks like an option, not like an interface"},
        {{"--user", "--quiet"}, "option -u: '--quiet' looks like an option, not like a user"},
        {{"-r", "-x"}, "option -r: '-x' looks like an option; for a file of this name write ./-x"},
        {{"-i=eth0"}, "option -i: '=eth0' begins with '='; write -i DEV or --interface=DEV"},
        {{"-t=5"}, "option -t: '=5' begins with '='; write -t SEC or --timeout=SEC"},
        {{"--local==10.0.0.1"},
         "option --local: '=10.0.0.1' begins with '='; write --local=ADDR[/LEN],..."},
    });
}

TEST(UsageErrors, Numbers) {
    const std::string timeout = " is not a whole number from 1 to 1000000";
    const std::string sessions = " is not a whole number from 1 to 1000000000";
    for (const std::string text :
         {"0", "-1", "+5", "abc", "5x", "x5", "1e3", "1.5", " 5", "5 ", "0x10", "1000001",
          "4294967297", "99999999999", "18446744073709551617", "\xef\xbc\x95"}) {
        expect_errors({{{"-t", text}, "option -t: '" + text + "'" + timeout}});
    }
    expect_errors({
        {{"-B", "0"}, "option -B: '0' is not a whole number from 1 to 2047"},
        {{"-B", "2048"}, "option -B: '2048' is not a whole number from 1 to 2047"},
        {{"--max-sessions=0"}, "option --max-sessions: '0'" + sessions},
        {{"--max-sessions=1000000001"}, "option --max-sessions: '1000000001'" + sessions},
        {{"--max-sessions=4294967296"}, "option --max-sessions: '4294967296'" + sessions},
    });
}

TEST(UsageErrors, ValuesThatAreNotInTheList) {
    const std::string level =
        " is not emerg, alert, crit, err, warning, notice, info, debug or 0 to 7";
    const std::string mode = " is not 0 (no verification), 1 (IP header) or 2 (IP header and TCP)";
    expect_errors({
        {{"-c", "3"}, "option -c: '3'" + mode},
        {{"-c", "00"}, "option -c: '00'" + mode},
        {{"-c", "0,1"}, "option -c: '0,1'" + mode},
        {{"-o", "xml"}, "option -o: 'xml' is not table or json"},
        {{"-o", "JSON"}, "option -o: 'JSON' is not table or json"},
        {{"-o", "table,json"}, "option -o: 'table,json' is not table or json"},
        {{"-l", "8"}, "option -l: '8'" + level},
        {{"-l", "-1"}, "option -l: '-1'" + level},
        {{"-l", "77"}, "option -l: '77'" + level},
        {{"-l", "LOG_"}, "option -l: 'LOG_'" + level},
        {{"-l", "LOG_5"}, "option -l: 'LOG_5'" + level},
        {{"-l", "loud"}, "option -l: 'loud'" + level},
    });
}

TEST(UsageErrors, LocalNetworksNameTheElement) {
    const auto line = [](const std::string& value, const std::string& element) {
        return fmt::format(
            "option --local: '{}' has '{}' in it, which is no address or network such as "
            "192.0.2.1, 10.0.0.0/8 or 2001:db8::/32",
            value, element);
    };
    const std::vector<std::pair<std::string, std::string>> wrong = {
        {"eth0", "eth0"},
        {"10.0.0.1,10.0.0", "10.0.0"},
        {"10.0.0.1,", ""},
        {",10.0.0.1", ""},
        {"10.0.0.1,,10.0.0.2", ""},
        {"10.0.0.0/33", "10.0.0.0/33"},
        {"10.0.0.0/", "10.0.0.0/"},
        {"10.0.0.0/-1", "10.0.0.0/-1"},
        {"10.0.0.1/8/8", "10.0.0.1/8/8"},
        {"2001:db8::/129", "2001:db8::/129"},
        {"::1,2001:db8:::1", "2001:db8:::1"},
        {"[::1", "[::1"},
        {"::1]", "::1]"},
        {"[::1]x", "[::1]x"},
        {"[]", "[]"},
        {"[::1/64]/64", "[::1/64]/64"},
        {"[10.0.0.1]", "[10.0.0.1]"},
        {"10.0.0.1 10.0.0.2", "10.0.0.1 10.0.0.2"},
    };
    for (const auto& [value, element] : wrong) {
        expect_errors({{{"--local", value}, line(value, element)}});
    }
}

TEST(UsageErrors, EnginesAndFilterSizesThatAreNone) {
    expect_errors({
        {{"--capture=pcap"}, "option --capture: 'pcap' is not auto, tcx or socket"},
        {{"--filter-entries=-1"},
         "option --filter-entries: '-1' is not a whole number from 0 to 16777216"},
        {{"--filter-entries=16777217"},
         "option --filter-entries: '16777217' is not a whole number from 0 to 16777216"},
    });
}

TEST(UsageErrors, HttpAddressesThatAreNone) {
    const std::vector<std::string> wrong{
        "",       "0",     "65536",          "80x",          ":80",
        "::1:80", "[::1]", "[127.0.0.1]:80", "localhost:80", "127.0.0.1:",
        "-80",    " 80"};
    for (const std::string& value : wrong) {
        const std::string line = value.empty()
                                     ? "option --http needs a value ([ADDR:]PORT), not an empty one"
                                     : fmt::format(
                                           "option --http: '{}' is not [ADDR:]PORT such as 9750, "
                                           "192.0.2.1:9750 or [2001:db8::1]:9750",
                                           value);
        expect_errors({{{"--http=" + value}, line}});
    }
    expect_errors({{{"-U", "-q"}, "option -U: '-q' looks like an option, not like a path"}});
}

TEST(UsageErrors, SourcesThatExcludeEachOther) {
    expect_errors({
        {{"-r", "a", "-i", "b"}, "-r and -i exclude each other: read files or watch interfaces"},
        {{"-i", "b", "A:RX@*:80", "-r", "-"},
         "-r and -i exclude each other: read files or watch interfaces"},
        {{"-r", "-", "-r", "a", "-r", "-"},
         "option -r: '-' (standard input) is given twice; it can be read only once"},
    });
}

TEST(UsageErrors, ExpressionsNameThePositionInCharacters) {
    expect_errors({
        {{""}, "expression '': position 1: expected ':' after the filter name"},
        {{"-"}, "expression '-': position 2: expected ':' after the filter name"},
        {{"eth0"}, "expression 'eth0': position 5: expected ':' after the filter name"},
        {{"A:RX@*:80", "B:rx@*:80"}, "expression 'B:rx@*:80': position 3: expected RX, TX or ANY"},
        {{"A:RX@*:0"},
         "expression 'A:RX@*:0': position 8: expected a port from 1 to 65535, a range or *"},
        {{"A:RX@10.0.0.1/33:80"},
         "expression 'A:RX@10.0.0.1/33:80': position 15: expected a prefix length from 0 to 32"},
        {{"\xe6\x9d\xb1\xe4\xba\xac:XX@*:1"},
         "expression '\xe6\x9d\xb1\xe4\xba\xac:XX@*:1': position 4: expected RX, TX or ANY"},
        {{"--", "-q"}, "expression '-q': position 3: expected ':' after the filter name"},
        {{"--", "A:RX@*:80", "--"},
         "expression '--': position 3: expected ':' after the filter name"},
    });
}

TEST(UsageErrors, NothingReachesTheTerminalUnescaped) {
    expect_errors({
        {{"-o", "\x1b[31m"}, "option -o: '\\x1b[31m' is not table or json"},
        {{"-o", "a\nb"}, "option -o: 'a\\x0ab' is not table or json"},
        {{"-o",
          "\xc2\x9b"
          "31m"},
         "option -o: '\\xc2\\x9b31m' is not table or json"},
        {{"-o", "\xff\xfe"}, "option -o: '\\xff\\xfe' is not table or json"},
        {{"-r", "-\x1b"},
         "option -r: '-\\x1b' looks like an option; for a file of this name write ./-\\x1b"},
        {{"--\x1b]0;x\x07"}, "unknown option '--\\x1b]0;x\\x07'; see tcpeek --help"},
        {{"-\x7f"}, "unknown option '-\\x7f'; see tcpeek --help"},
        {{"--quiet=\r"}, "option --quiet takes no value, but '--quiet=\\x0d' gives it one"},
        {{"a\x1b:RX@*:1"},
         "expression 'a\\x1b:RX@*:1': position 2: expected a filter name without control "
         "characters"},
        {{"--local=\x1b"},
         "option --local: '\\x1b' has '\\x1b' in it, which is no address or network such as "
         "192.0.2.1, 10.0.0.0/8 or 2001:db8::/32"},
    });
}

TEST(UsageErrors, ALongArgumentIsShownInPart) {
    expect_errors({
        {{"-o", std::string(100'000, 'x')},
         "option -o: '" + std::string(200, 'x') + "...' is not table or json"},
        {{"--" + std::string(100'000, 'x')},
         "unknown option '--" + std::string(198, 'x') + "...'; see tcpeek --help"},
    });
}

}  // namespace
}  // namespace tcpeek
