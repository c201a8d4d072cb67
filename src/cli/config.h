// What the user asked for on the command line and in the configuration file, checked and typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "filter/filter_expression.h"
#include "net/endpoint.h"
#include "net/ip_address.h"

namespace tcpeek {

enum class OutputForm : std::uint8_t { table, json };
// How live packets are taken.
enum class CaptureChoice : std::uint8_t { automatic, tcx, socket };

// One value that was given to an option, or an expression.
struct Setting {
    std::string name;  // the option's long name, or kExpressionKey
    std::string value;

    bool operator==(const Setting&) const = default;
};

struct Config {
    std::vector<std::string> interfaces;  // -i, empty: the first usable one
    std::vector<std::string> files;       // -r, empty: live
    std::string user;                     // -u, empty: stay as we are
    std::optional<std::string> socket;    // -U, "" for `none`; nothing: the usual one, if it can be
    unsigned checksum_mode = 0;           // -c: 0, 1, 2
    std::uint32_t timeout_seconds = 60;   // -t
    std::uint32_t buffer_megabytes = 2;   // -B
    int log_level = 5;                    // -l as syslog(3) numbers it: 0 emerg .. 7 debug
    bool wait = false;                    // for interfaces that are absent or vanish
    bool quiet = false;
    bool details = false;  // of what was ignored, in the summary
    bool promiscuous = false;
    bool icmp = false;
    std::vector<IpNetwork> local;  // --local
    OutputForm output = OutputForm::table;
    std::uint32_t max_sessions = 1'048'576;
    std::optional<Endpoint> http;  // --http
    CaptureChoice capture = CaptureChoice::automatic;
    std::uint32_t filter_entries = 1'048'576;  // of the kernel filter; 0: without it
    bool info = false;
    std::string config_file;                    // --config, empty: none
    bool check_config = false;                  // --check-config
    std::vector<FilterExpression> expressions;  // the user's, without the defaults
    // What of the command line and the file counts, in the order of the option table.
    std::vector<Setting> settings;
};

}  // namespace tcpeek
