// bash: one function that the bash-completion package loads and helps.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "pages/completions.h"
#include "pages/value_kind.h"

namespace tcpeek {
namespace {

std::string candidates_of(const ValueHints& hints) {
    const std::string words = fmt::format("{}", fmt::join(hints.words, " "));
    switch (hints.kind) {
        case ValueKind::none:
            return "COMPREPLY=()";
        case ValueKind::words:
            return fmt::format("COMPREPLY=($(compgen -W '{}' -- \"$cur\"))", words);
        case ValueKind::interface:
            return fmt::format(
                "COMPREPLY=($(compgen -W \"{}$(command ls /sys/class/net)\" -- \"$cur\"))",
                words.empty() ? words : words + " ");
        case ValueKind::user:
            return "COMPREPLY=($(compgen -u -- \"$cur\"))";
        case ValueKind::file:
            return words.empty() ? "_filedir"
                                 : fmt::format(
                                       "_filedir\n            "
                                       "COMPREPLY+=($(compgen -W '{}' -- \"$cur\"))",
                                       words);
    }
    return {};
}

// The branch for the word after an option. A value that may be left out is never a word of its own.
std::string value_branch(const OptionSpec& option) {
    const std::string long_form = fmt::format("--{}", option.long_name);
    if (!option.bare_value.empty()) {
        return {};
    }
    const std::string pattern = option.short_name == '\0'
                                    ? long_form
                                    : fmt::format("{} | -{}", long_form, option.short_name);
    return fmt::format("        {})\n            {}\n            return\n            ;;\n", pattern,
                       candidates_of(hints_for(option)));
}

}  // namespace

std::string bash_completion(const Program& program) {
    std::string branches;
    std::string names;
    for (const OptionSpec& option : program.options) {
        const bool takes_value = !option.value.empty();
        if (takes_value) {
            branches += value_branch(option);
        }
        if (option.short_name != '\0') {
            names += fmt::format(" -{}", option.short_name);
        }
        names += fmt::format(" --{}{}", option.long_name,
                             takes_value && option.bare_value.empty() ? "=" : "");
    }
    return fmt::format(R"bash(# bash completion for {0}, made of the table that its --help shows.
_{0}() {{
    local cur prev words cword split
    _init_completion -s || return
    case $prev in
{1}    esac
    $split && return
    if [[ -z $cur || $cur == -* ]]; then
        COMPREPLY=($(compgen -W '{2}' -- "$cur"))
        if [[ ${{COMPREPLY-}} == *= ]]; then
            compopt -o nospace
        fi
    fi
}} &&
    complete -F _{0} {0}
)bash",
                       program.name, branches, names.substr(1));
}

}  // namespace tcpeek
