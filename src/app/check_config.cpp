#include "app/check_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/printable.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

std::string quoted(const std::string& value) {
    const char quote = value.find('"') == std::string::npos ? '"' : '\'';
    return fmt::format("{0}{1}{0}", quote, value);
}

std::string what_is_watched(const Config& config) {
    if (!config.files.empty()) {
        return fmt::format("read {}", fmt::join(config.files, ", "));
    }
    if (config.interfaces.empty()) {
        return "watch the first usable interface";
    }
    return fmt::format("watch {}", fmt::join(config.interfaces, ", "));
}

}  // namespace

std::string render_config(const Config& config, const FilterSet& filters) {
    std::string text = fmt::format("# tcpeek {} would {} and count under {}\n", kVersion,
                                   printable(what_is_watched(config)),
                                   printable(fmt::format("{}", fmt::join(filters.names(), ", "))));
    for (const Setting& setting : config.settings) {
        if (setting.name == "config" || setting.name == "check-config") {
            continue;
        }
        text += fmt::format("{} = {}\n", setting.name,
                            setting.value.empty() ? "true" : quoted(setting.value));
    }
    return text;
}

}  // namespace tcpeek
