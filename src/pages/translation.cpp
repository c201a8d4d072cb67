#include "pages/translation.h"

#include <fmt/format.h>

#include <algorithm>

namespace tcpeek {
namespace {

// A default such as 60 or notice is the same in every language.
bool is_sentence(std::string_view text) {
    return text.find(' ') != std::string_view::npos;
}

std::string_view next_line(std::string_view& text) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

}  // namespace

Result<Translation> Translation::parse(std::string_view text) {
    Translation translation;
    TranslatedOption* option = nullptr;
    std::size_t lines_of_option = 0;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = next_line(text);
        if (line.empty() || line.front() == '#') {
            continue;
        }
        if (line.size() > 2 && line.front() == '[' && line.back() == ']') {
            option = &translation.options_[std::string(line.substr(1, line.size() - 2))];
            lines_of_option = 0;
            continue;
        }
        if (option == nullptr || lines_of_option == 4) {
            return Error{fmt::format("line {}: expected [long-name] of an option", number)};
        }
        std::string* const fields[] = {&option->help_source, &option->help, &option->default_source,
                                       &option->default_text};
        *fields[lines_of_option] = line;
        ++lines_of_option;
    }
    return translation;
}

const TranslatedOption* Translation::find(const OptionSpec& option) const {
    const auto found = options_.find(option.long_name);
    return found == options_.end() ? nullptr : &found->second;
}

std::string_view Translation::help_of(const OptionSpec& option) const {
    const TranslatedOption* translated = find(option);
    return translated != nullptr && translated->help_source == option.help ? translated->help
                                                                           : std::string_view();
}

std::string_view Translation::default_of(const OptionSpec& option) const {
    if (!is_sentence(option.default_text)) {
        return option.default_text;
    }
    const TranslatedOption* translated = find(option);
    return translated != nullptr && translated->default_source == option.default_text
               ? translated->default_text
               : std::string_view();
}

std::vector<std::string> Translation::faults(const Program& program) const {
    std::vector<std::string> found;
    for (const OptionSpec& option : program.options) {
        if (find(option) == nullptr) {
            found.push_back(fmt::format("[{}] is missing", option.long_name));
            continue;
        }
        if (help_of(option).empty()) {
            found.push_back(fmt::format("[{}]: no translation of the help '{}'", option.long_name,
                                        option.help));
        }
        if (!option.default_text.empty() && default_of(option).empty()) {
            found.push_back(fmt::format("[{}]: no translation of the default '{}'",
                                        option.long_name, option.default_text));
        }
    }
    for (const auto& entry : options_) {
        const bool known =
            std::any_of(program.options.begin(), program.options.end(),
                        [&](const OptionSpec& option) { return option.long_name == entry.first; });
        if (!known) {
            found.push_back(fmt::format("[{}] is no option of {}", entry.first, program.name));
        }
    }
    return found;
}

}  // namespace tcpeek
