#include "tcpeekstat/stat_options.h"

#include <fmt/format.h>

#include <array>

#include "cli/printable.h"
#include "cli/values.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kMaxWatchSeconds = 86'400;

ValueComplaint take_socket(StatConfig& config, std::string_view value) {
    config.socket = value;
    return complaint_about_socket(value);
}

ValueComplaint take_watch(StatConfig& config, std::string_view value) {
    return take_number(config.watch_seconds, value, kMaxWatchSeconds);
}

ValueComplaint take_command(StatConfig& config, std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like a program";
    }
    config.gmetric_command = value;
    return std::nullopt;
}

ValueComplaint take_gmetric_config(StatConfig& config, std::string_view value) {
    if (like_an_option(value)) {
        return "looks like an option, not like a file";
    }
    config.gmetric_config = value;
    return std::nullopt;
}

template <bool StatConfig::*field>
ValueComplaint set_flag(StatConfig& config, std::string_view) {
    config.*field = true;
    return std::nullopt;
}

constexpr std::array<OptionRow<StatConfig>, 8> kOptions{{
    {{'U', "socket", "PATH", "the statistics socket of tcpeek (its -U)",
      "/var/run/tcpeek/tcpeek.sock", false},
     take_socket},
    {{'j', "json", "", "print the totals as tcpeek's GET answer, one line of JSON", "", false},
     set_flag<&StatConfig::json>},
    {{'g', "gmetric", "",
      "send what happened since the last REFRESH to Ganglia, by one gmetric a value", "", false},
     set_flag<&StatConfig::gmetric>},
    {{'\0', "gmetric-command", "FILE", "with -g: the program to run instead", "gmetric", false},
     take_command},
    {{'\0', "gmetric-config", "FILE", "with -g: the gmond.conf that gmetric reads", "its own",
      false},
     take_gmetric_config},
    {{'\0', "watch", "SEC",
      "show the totals again every SEC seconds, with rates, until q or Ctrl+C",
      "2 when SEC is "
      "left out",
      false, "2"},
     take_watch},
    {{'h', "help", "", "this text", "", false}, take_nothing<StatConfig>},
    {{'v', "version", "", "the version", "", false}, take_nothing<StatConfig>},
}};

constexpr std::string_view kIntroduction =
    "Usage: tcpeekstat [option]...\n"
    "\n"
    "Asks a running tcpeek what it has counted. Without -j and -g the totals are\n"
    "printed for people to read.\n"
    "\n"
    "Options:\n";

constexpr std::string_view kClosing =
    "\n"
    "Exit status: 0 done, 1 tcpeek cannot be reached or a value could not be sent,\n"
    "2 wrong usage.\n";

std::optional<std::string> contradiction(const StatConfig& config) {
    if (config.json && config.gmetric) {
        return "-j and -g exclude each other: print totals or send to Ganglia";
    }
    if (config.watch_seconds > 0 && (config.json || config.gmetric)) {
        return fmt::format("--watch and -{} exclude each other", config.json ? 'j' : 'g');
    }
    if (!config.gmetric && config.gmetric_command != StatConfig().gmetric_command) {
        return "--gmetric-command is of use only with -g";
    }
    if (!config.gmetric && !config.gmetric_config.empty()) {
        return "--gmetric-config is of use only with -g";
    }
    return std::nullopt;
}

UsageError unwanted(const std::string& argument) {
    const bool option = argument.size() > 1 && argument[0] == '-' && argument != "--";
    return option ? unknown_option(tcpeekstat_program(), argument)
                  : UsageError{fmt::format("'{}' is no option; expressions are for tcpeek",
                                           printable(argument))};
}

}  // namespace

const Program& tcpeekstat_program() {
    static const Program program{"tcpeekstat", kIntroduction, kClosing, specs_of(kOptions)};
    return program;
}

StatParseResult parse_stat_command_line(int argc, const char* const* argv) {
    StatConfig config;
    const auto parsed = parse_options(tcpeekstat_program(), argc, argv,
                                      [&](std::size_t option, std::string_view value) {
                                          return kOptions.at(option).take(config, value);
                                      });
    if (const auto* information = std::get_if<Information>(&parsed)) {
        return *information;
    }
    if (const auto* error = std::get_if<UsageError>(&parsed)) {
        return *error;
    }
    const auto& others = std::get<OtherArguments>(parsed);
    if (!others.empty()) {
        return unwanted(others.front());
    }
    if (const auto complaint = contradiction(config)) {
        return UsageError{*complaint};
    }
    return config;
}

}  // namespace tcpeek
