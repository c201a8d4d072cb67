#include "app/reload.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "cli/config_file.h"
#include "cli/option_table.h"

namespace tcpeek {
namespace {

constexpr std::array<std::string_view, 2> kReloadable{"local", "loglevel"};
// Counters of filters that are gone are kept, since they may come back.
constexpr std::size_t kMaxNamesInAll = 4 * kMaxFilters;

std::vector<std::string> values_of(const Config& config, std::string_view name) {
    std::vector<std::string> values;
    for (const Setting& setting : config.settings) {
        if (setting.name == name) {
            values.push_back(setting.value);
        }
    }
    return values;
}

}  // namespace

std::vector<FilterExpression> expressions_of(const Config& config) {
    const bool from_files = !config.files.empty();
    std::vector<FilterExpression> expressions;
    const auto add_default = [&](const char* name, FilterDirection direction) {
        expressions.push_back({name, {FilterPart{direction, std::nullopt, {PortRange{}}}}});
    };
    if (from_files && config.local.empty()) {
        add_default("ALL", FilterDirection::any);
    } else {
        add_default("RX", FilterDirection::rx);
        add_default("TX", FilterDirection::tx);
    }
    expressions.insert(expressions.end(), config.expressions.begin(), config.expressions.end());
    return expressions;
}

Result<FilterSet> Reload::read() {
    ParseResult parsed = parse_again_();
    if (const auto* error = std::get_if<UsageError>(&parsed)) {
        return Error{error->message};
    }
    auto& next = std::get<Config>(parsed);
    Result<FilterSet> filters = FilterSet::compile(expressions_of(next));
    if (!filters) {
        return filters;
    }
    std::set<std::string> names = names_;
    names.insert(filters.value().names().begin(), filters.value().names().end());
    if (names.size() > kMaxNamesInAll) {
        return Error{fmt::format(
            "there have been more than {} different filters since the start; restart tcpeek",
            kMaxNamesInAll)};
    }
    names_ = std::move(names);
    tell_what_needs_a_restart(next);
    log_.set_least(static_cast<LogLevel>(next.log_level));
    running_.log_level = next.log_level;
    running_.local = std::move(next.local);
    running_.expressions = std::move(next.expressions);
    return filters;
}

void Reload::tell_what_needs_a_restart(const Config& next) const {
    std::vector<std::string_view> changed;
    for (const OptionSpec& option : tcpeek_program().options) {
        const bool reloadable = std::find(kReloadable.begin(), kReloadable.end(),
                                          option.long_name) != kReloadable.end();
        if (!reloadable &&
            values_of(running_, option.long_name) != values_of(next, option.long_name)) {
            changed.push_back(option.long_name);
        }
    }
    if (!changed.empty()) {
        log_.write(LogLevel::warning,
                   fmt::format("these options have changed, but only a restart applies them: {}",
                               fmt::join(changed, ", ")));
    }
}

}  // namespace tcpeek
