// fish: one `complete` command an option.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pages/completions.h"
#include "pages/value_kind.h"

namespace tcpeek {
namespace {

// Within '...', where fish knows two escapes.
std::string escaped(std::string_view text) {
    std::string result;
    for (const char c : text) {
        if (c == '\'' || c == '\\') {
            result += '\\';
        }
        result += c;
    }
    return result;
}

// -x: a value and no files; -r: a value; -F: files, although the program's other words are none.
std::string value_of(const OptionSpec& option) {
    const ValueHints hints = hints_for(option);
    const std::string words = fmt::format("{}", fmt::join(hints.words, " "));
    switch (hints.kind) {
        case ValueKind::none:
            return " -x";
        case ValueKind::words:
            return fmt::format(" -x -a '{}'", words);
        case ValueKind::interface:
            return fmt::format(" -x -a '(__fish_print_interfaces) {}'", words);
        case ValueKind::user:
            return " -x -a '(__fish_complete_users)'";
        case ValueKind::file:
            return words.empty() ? " -r -F" : fmt::format(" -r -F -a '{}'", words);
    }
    return {};
}

}  // namespace

std::string fish_completion(const Program& program) {
    std::string text = fmt::format(
        "# fish completion for {0}, made of the table that its --help shows.\n"
        "complete -c {0} -f\n",
        program.name);
    for (const OptionSpec& option : program.options) {
        text += fmt::format("complete -c {}", program.name);
        if (option.short_name != '\0') {
            text += fmt::format(" -s {}", option.short_name);
        }
        text += fmt::format(" -l {}", option.long_name);
        // fish has no word for a value that may be left out.
        if (!option.value.empty() && option.bare_value.empty()) {
            text += value_of(option);
        }
        text += fmt::format(" -d '{}'\n", escaped(option.help));
    }
    return text;
}

}  // namespace tcpeek
