#include "cli/option_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "cli/log_levels.h"
#include "cli/printable.h"
#include "cli/values.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

// Fits every later use: seconds as nanoseconds in 64 bits, megabytes as bytes in libpcap's int.
constexpr std::uint32_t kMaxTimeoutSeconds = 1'000'000;
constexpr std::uint32_t kMaxBufferMegabytes = 2'047;
// Three lists of this many attempts are indexed by 32 bits.
constexpr std::uint32_t kMaxSessions = 1'000'000'000;
// About 120 octets of kernel memory each.
constexpr std::uint32_t kMostFilterEntries = 16'777'216;

ValueComplaint take_interface(Config& config, std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like an interface";
    }
    config.interfaces.emplace_back(value);
    return std::nullopt;
}

ValueComplaint take_file(Config& config, std::string_view value) {
    if (like_an_option(value)) {
        return fmt::format("looks like an option; for a file of this name write ./{}",
                           printable(value));
    }
    if (value == "-" &&
        std::find(config.files.begin(), config.files.end(), "-") != config.files.end()) {
        return "(standard input) is given twice; it can be read only once";
    }
    config.files.emplace_back(value);
    return std::nullopt;
}

ValueComplaint take_user(Config& config, std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like a user";
    }
    config.user = value;
    return std::nullopt;
}

ValueComplaint take_socket(Config& config, std::string_view value) {
    config.socket = value == "none" ? "" : value;
    return complaint_about_socket(value);
}

ValueComplaint take_checksum(Config& config, std::string_view value) {
    if (value != "0" && value != "1" && value != "2") {
        return "is not 0 (no verification), 1 (IP header) or 2 (IP header and TCP)";
    }
    config.checksum_mode = static_cast<unsigned>(value[0] - '0');
    return std::nullopt;
}

ValueComplaint take_timeout(Config& config, std::string_view value) {
    return take_number(config.timeout_seconds, value, kMaxTimeoutSeconds);
}

ValueComplaint take_buffer(Config& config, std::string_view value) {
    return take_number(config.buffer_megabytes, value, kMaxBufferMegabytes);
}

ValueComplaint take_log_level(Config& config, std::string_view value) {
    const std::optional<int> level = parse_log_level(value);
    if (!level) {
        return "is not emerg, alert, crit, err, warning, notice, info, debug or 0 to 7";
    }
    config.log_level = *level;
    return std::nullopt;
}

// "192.0.2.1", "10.0.0.0/8", "2001:db8::/32", "[2001:db8::/32]", "[2001:db8::]/32".
std::optional<IpNetwork> parse_local_network(std::string_view text) {
    if (text.empty() || text.front() != '[') {
        return IpNetwork::parse(text);
    }
    const std::size_t closing = text.find(']');
    if (closing == std::string_view::npos) {
        return std::nullopt;
    }
    const auto network = IpNetwork::parse(
        fmt::format("{}{}", text.substr(1, closing - 1), text.substr(closing + 1)));
    return network && network->address().is_v4() ? std::nullopt : network;
}

ValueComplaint take_local(Config& config, std::string_view value) {
    while (true) {
        const std::size_t comma = value.find(',');
        const std::string_view element = value.substr(0, comma);
        const std::optional<IpNetwork> network = parse_local_network(element);
        if (!network) {
            return fmt::format(
                "has '{}' in it, which is no address or network such as 192.0.2.1, "
                "10.0.0.0/8 or 2001:db8::/32",
                printable(element));
        }
        config.local.push_back(*network);
        if (comma == std::string_view::npos) {
            return std::nullopt;
        }
        value.remove_prefix(comma + 1);
    }
}

ValueComplaint take_output(Config& config, std::string_view value) {
    if (value != "table" && value != "json") {
        return "is not table or json";
    }
    config.output = value == "json" ? OutputForm::json : OutputForm::table;
    return std::nullopt;
}

// "9750", "192.0.2.1:9750", "[2001:db8::1]:9750".
std::optional<Endpoint> parse_http_endpoint(std::string_view text) {
    Endpoint endpoint{*IpAddress::parse("127.0.0.1"), 0};
    const std::size_t colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        std::string_view host = text.substr(0, colon);
        const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
        if (bracketed) {
            host = host.substr(1, host.size() - 2);
        }
        const std::optional<IpAddress> address = IpAddress::parse(host);
        if (!address || address->is_v4() == bracketed) {
            return std::nullopt;
        }
        endpoint.address = *address;
        text.remove_prefix(colon + 1);
    }
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), endpoint.port);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole && endpoint.port > 0 ? std::optional(endpoint) : std::nullopt;
}

ValueComplaint take_http(Config& config, std::string_view value) {
    config.http = parse_http_endpoint(value);
    if (!config.http) {
        return "is not [ADDR:]PORT such as 9750, 192.0.2.1:9750 or [2001:db8::1]:9750";
    }
    return std::nullopt;
}

ValueComplaint take_max_sessions(Config& config, std::string_view value) {
    return take_number(config.max_sessions, value, kMaxSessions);
}

ValueComplaint take_capture(Config& config, std::string_view value) {
    if (value == "auto") {
        config.capture = CaptureChoice::automatic;
    } else if (value == "tcx") {
        config.capture = CaptureChoice::tcx;
    } else if (value == "socket") {
        config.capture = CaptureChoice::socket;
    } else {
        return "is not auto, tcx or socket";
    }
    return std::nullopt;
}

ValueComplaint take_filter_entries(Config& config, std::string_view value) {
    return take_number(config.filter_entries, value, kMostFilterEntries, 0);
}

ValueComplaint take_config_file(Config& config, std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like a file";
    }
    config.config_file = value;
    return std::nullopt;
}

template <bool Config::*field>
ValueComplaint set_flag(Config& config, std::string_view) {
    config.*field = true;
    return std::nullopt;
}

constexpr std::array<OptionRow<Config>, 24> kOptions{{
    {{'i', "interface", "DEV", "capture on DEV; `any` is every interface",
      "the first usable non-loopback interface", true},
     take_interface},
    {{'r', "read", "FILE", "read a capture file (pcap or pcapng, `-` for standard input)", "",
      true},
     take_file},
    {{'u', "user", "USER", "become USER (name or uid) once capture and sockets are open", "",
      false},
     take_user},
    {{'U', "socket", "PATH", "UNIX domain socket for statistics; `none` for no socket",
      "/var/run/tcpeek/tcpeek.sock, none with -r", false},
     take_socket},
    {{'c', "checksum", "0,1,2", "0 no verification, 1 IP header, 2 IP header and TCP", "0", false},
     take_checksum},
    {{'t', "timeout", "SEC", "session timeout", "60", false}, take_timeout},
    {{'B', "buffer", "MB", "capture buffer of the kernel", "2", false}, take_buffer},
    {{'l', "loglevel", "LEVEL",
      "least level that is logged to syslog: emerg .. debug, also as `LOG_NOTICE` or a number",
      "notice", false},
     take_log_level},
    {{'q', "quiet", "", "no live table; the summary and JSON lines stay", "", false},
     set_flag<&Config::quiet>},
    {{'\0', "details", "", "the summary also says what was ignored, by reason", "", false},
     set_flag<&Config::details>},
    {{'\0', "promisc", "", "promiscuous capture", "", false}, set_flag<&Config::promiscuous>},
    {{'\0', "icmp", "", "interpret ICMP and ICMPv6 errors", "", false}, set_flag<&Config::icmp>},
    {{'\0', "local", "ADDR[/LEN],...",
      "these addresses count as this host's, besides the machine's own (needed for direction in "
      "files and on mirror ports)",
      "", true},
     take_local},
    {{'o', "output", "table,json",
      "live sessions as the table on standard error, or as JSON lines on standard output instead",
      "table", false},
     take_output},
    {{'\0', "http", "[ADDR:]PORT",
      "HTTP endpoint with /metrics and /stats; ADDR defaults to 127.0.0.1", "off", false},
     take_http},
    {{'\0', "max-sessions", "N", "limit of pending sessions", "1048576", false}, take_max_sessions},
    {{'\0', "capture", "auto,tcx,socket",
      "how live packets are taken: by programs at the interface's tcx hooks, or by a packet "
      "socket; "
      "`auto` takes the cheapest that works",
      "auto", false},
     take_capture},
    {{'\0', "filter-entries", "N",
      "connections that the kernel filter can hold at a time; 0: no kernel filter", "1048576",
      false},
     take_filter_entries},
    {{'\0', "wait", "", "wait for an interface that is absent or vanishes", "", false},
     set_flag<&Config::wait>},
    {{'\0', "config", "FILE",
      "read options and expressions from FILE too, as NAME = VALUE; the command line wins; SIGHUP "
      "reads it again",
      "", false},
     take_config_file},
    {{'\0', "check-config", "",
      "check options, expressions and --config, say what would run; then exit", "", false},
     set_flag<&Config::check_config>},
    {{'\0', "info", "", "what this build, kernel and set of rights can do; then exit", "", false},
     set_flag<&Config::info>},
    {{'h', "help", "", "this text", "", false}, take_nothing<Config>},
    {{'v', "version", "", "the version", "", false}, take_nothing<Config>},
}};

constexpr std::string_view kIntroduction =
    "Usage: tcpeek [option]... [expression]...\n"
    "\n"
    "Watches TCP connections being opened, on interfaces or in capture files, and\n"
    "says of each whether the handshake succeeded, and if not why and after how long.\n"
    "\n"
    "Options:\n";

constexpr std::string_view kExpressions =
    "\n"
    "Expressions: [filter]:dir@addr:port[:port...][,addr:port...]\n"
    "  Each counts the sessions it matches under its name; one without a name hides\n"
    "  them. dir is RX (to this host), TX (from it) or ANY; addr is *, an address or\n"
    "  network, IPv6 in brackets; the port is the server's: *, a number, a range.\n"
    "    WEB:RX@*:80:443             connections to this host's web server\n"
    "    DB:TX@192.168.0.0/24:3306   its connections to the database network\n"
    "    :RX@[2001:db8::5]:*         what this monitoring host opens is left out\n"
    "\n"
    "Exit status: 0 done, 1 failed at run time, 2 wrong usage, 130 after a second\n"
    "SIGINT. SIGUSR1 prints the summary so far.\n";

}  // namespace

ValueComplaint take_option(Config& config, std::size_t option, std::string_view value) {
    return kOptions.at(option).take(config, value);
}

const Program& tcpeek_program() {
    static const Program program{"tcpeek", kIntroduction, kExpressions, specs_of(kOptions),
                                 kBuiltWith};
    return program;
}

}  // namespace tcpeek
