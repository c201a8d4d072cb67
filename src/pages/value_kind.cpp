#include "pages/value_kind.h"

#include <algorithm>
#include <string_view>

#include "cli/log_levels.h"

namespace tcpeek {
namespace {

bool all_of(std::string_view text, bool (*belongs)(char)) {
    return !text.empty() && std::all_of(text.begin(), text.end(), belongs);
}

// "0,1,2" or "table,json", but not "ADDR[/LEN],...".
bool is_list_of_words(std::string_view value) {
    return value.find(',') != std::string_view::npos && all_of(value, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == ',';
           });
}

std::vector<std::string> split_at_commas(std::string_view list) {
    std::vector<std::string> words;
    while (true) {
        const std::size_t comma = list.find(',');
        words.emplace_back(list.substr(0, comma));
        if (comma == std::string_view::npos) {
            return words;
        }
        list.remove_prefix(comma + 1);
    }
}

std::vector<std::string> words_in_backquotes(std::string_view help) {
    std::vector<std::string> words;
    for (std::size_t open = help.find('`'); open != std::string_view::npos;) {
        const std::size_t close = help.find('`', open + 1);
        if (close == std::string_view::npos) {
            break;
        }
        const std::string_view word = help.substr(open + 1, close - open - 1);
        if (all_of(word, [](char c) { return c >= 'a' && c <= 'z'; })) {
            words.emplace_back(word);
        }
        open = help.find('`', close + 1);
    }
    return words;
}

}  // namespace

ValueHints hints_for(const OptionSpec& option) {
    if (is_list_of_words(option.value)) {
        return {ValueKind::words, split_at_commas(option.value)};
    }
    if (option.value == "LEVEL") {
        return {ValueKind::words, {kLogLevelNames.begin(), kLogLevelNames.end()}};
    }
    if (option.value == "DEV") {
        return {ValueKind::interface, words_in_backquotes(option.help)};
    }
    if (option.value == "FILE" || option.value == "PATH") {
        return {ValueKind::file, words_in_backquotes(option.help)};
    }
    if (option.value == "USER") {
        return {ValueKind::user, {}};
    }
    return {};
}

}  // namespace tcpeek
