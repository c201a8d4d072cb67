#include "pages/manual_page.h"

#include <fmt/format.h>

#include "cli/version.h"
#include "pages/text_lines.h"

namespace tcpeek {
namespace {

// A character that troff would take for its own. A dash that users type is a minus sign.
std::string escaped(char c) {
    switch (c) {
        case '\\':
            return "\\e";
        case '-':
            return "\\-";
        case '\'':
            return "\\(aq";
        case '^':
            return "\\(ha";
        case '~':
            return "\\(ti";
        default:
            return std::string(1, c);
    }
}

std::string literal(std::string_view text) {
    std::string result;
    for (const char c : text) {
        result += escaped(c);
    }
    return result;
}

// A sentence: backquotes make bold, and a line must not begin like a request.
std::string sentence(std::string_view text) {
    std::string result = text.substr(0, 1) == "." || text.substr(0, 1) == "'" ? "\\&" : "";
    bool bold = false;
    for (const char c : text) {
        if (c == '`') {
            result += bold ? "\\fR" : "\\fB";
            bold = !bold;
        } else {
            result += escaped(c);
        }
    }
    return result;
}

std::string heading(const OptionSpec& option) {
    std::string text = option.short_name == '\0'
                           ? std::string()
                           : fmt::format("\\fB\\-{}\\fR, ", option.short_name);
    text += fmt::format("\\fB\\-\\-{}\\fR", literal(option.long_name));
    if (option.value.empty()) {
        return text;
    }
    const std::string value = fmt::format("=\\fI{}\\fR", literal(option.value));
    return text + (option.bare_value.empty() ? value : fmt::format("[{}]", value));
}

std::string with_capital(std::string_view text) {
    std::string result(text);
    if (!result.empty() && result[0] >= 'a' && result[0] <= 'z') {
        result[0] = static_cast<char>(result[0] - 'a' + 'A');
    }
    return result;
}

std::string english(const OptionSpec& option) {
    std::string text = sentence(with_capital(option.help));
    if (option.repeats) {
        text += "; may be given several times";
    }
    text += ".\n";
    if (!option.default_text.empty()) {
        text += fmt::format("Default: {}.\n", sentence(option.default_text));
    }
    return text;
}

std::string translated(const OptionSpec& option, const Translation& translation) {
    std::string text = fmt::format("{}。\n", sentence(translation.help_of(option)));
    if (option.repeats) {
        text += "複数回指定できます。\n";
    }
    if (!option.default_text.empty()) {
        text += fmt::format("既定値: {}\n", sentence(translation.default_of(option)));
    }
    return text;
}

std::string options_of(const Program& program, const Translation* translation) {
    std::string text;
    for (const OptionSpec& option : program.options) {
        const bool complete = translation != nullptr && !translation->help_of(option).empty();
        text += fmt::format(".TP\n{}\n{}", heading(option),
                            complete ? translated(option, *translation) : english(option));
    }
    return text;
}

Result<void> fill_in(std::string& text, std::string_view mark, std::string_view value) {
    std::size_t place = text.find(mark);
    if (place == std::string::npos) {
        return Error{fmt::format("the source of the manual page has no {}", mark)};
    }
    for (; place != std::string::npos; place = text.find(mark, place + value.size())) {
        text.replace(place, mark.size(), value);
    }
    return {};
}

}  // namespace

Result<std::string> render_manual_page(const Program& program, const ManualPage& page) {
    std::string text(page.source.substr(std::min(page.source.find(".TH "), page.source.size())));
    const std::string options = options_of(program, page.translation);
    for (const auto& [mark, value] :
         {std::pair<std::string_view, std::string_view>{"@VERSION@", kVersion},
          {"@DATE@", page.date},
          {"@OPTIONS@\n", options}}) {
        if (const Result<void> filled = fill_in(text, mark, value); !filled) {
            return filled.error();
        }
    }
    return folded_page(text);
}

}  // namespace tcpeek
