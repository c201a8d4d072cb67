#include "cli/help.h"

#include <fmt/format.h>

#include <string_view>

namespace tcpeek {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kHelpColumn = 30;

// `text` broken at spaces, each line but the first indented to the help column.
std::string wrapped(std::string_view text) {
    std::string result;
    std::size_t column = kHelpColumn;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find(' '), text.size());
        if (column > kHelpColumn && column + 1 + length > kColumns) {
            result += '\n' + std::string(kHelpColumn, ' ');
            column = kHelpColumn;
        } else if (column > kHelpColumn) {
            result += ' ';
            ++column;
        }
        result += text.substr(0, length);
        column += length;
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return result;
}

std::string option_entry(const OptionSpec& option) {
    const std::string short_form =
        option.short_name == '\0' ? "    " : fmt::format("-{}, ", option.short_name);
    std::string entry = fmt::format("  {}--{}", short_form, option.long_name);
    if (!option.value.empty()) {
        entry += option.bare_value.empty() ? fmt::format("={}", option.value)
                                           : fmt::format("[={}]", option.value);
    }
    std::string help(option.help);
    if (option.repeats) {
        help += "; may be given several times";
    }
    if (!option.default_text.empty()) {
        help += fmt::format(" (default: {})", option.default_text);
    }
    if (entry.size() + 2 > kHelpColumn) {
        entry += '\n' + std::string(kHelpColumn, ' ');
    } else {
        entry.resize(kHelpColumn, ' ');
    }
    return entry + wrapped(help) + '\n';
}

}  // namespace

std::string help_text(const Program& program) {
    std::string text(program.introduction);
    for (const OptionSpec& option : program.options) {
        text += option_entry(option);
    }
    text += program.closing;
    return text;
}

}  // namespace tcpeek
