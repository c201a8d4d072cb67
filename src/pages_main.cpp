// Writes manual pages and completions to standard output, while tcpeek is built; never installed.
//   pages man PROGRAM SOURCE DATE [TRANSLATION]
//   pages bash|zsh|fish PROGRAM
//   pages faults PROGRAM TRANSLATION
#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "cli/option_table.h"
#include "cli/standard_streams.h"
#include "pages/completions.h"
#include "pages/manual_page.h"
#include "tcpeekstat/stat_options.h"

namespace tcpeek {
namespace {

const Program kPages{"pages", "", "", {}};

using Arguments = std::span<const std::string_view>;

Result<std::string> read(std::string_view path) {
    std::ifstream file{std::string(path)};
    if (!file) {
        return Error{fmt::format("cannot read {}", path)};
    }
    return std::string(std::istreambuf_iterator<char>(file), {});
}

Result<Translation> read_translation(std::string_view path) {
    const Result<std::string> text = read(path);
    if (!text) {
        return text.error();
    }
    Result<Translation> translation = Translation::parse(text.value());
    return translation ? std::move(translation)
                       : Error{fmt::format("{}: {}", path, translation.error().message)};
}

Result<std::string> manual_page(const Program& program, Arguments arguments) {
    const Result<std::string> source = read(arguments[0]);
    if (!source) {
        return source.error();
    }
    if (arguments.size() == 2) {
        return render_manual_page(program, {source.value(), arguments[1]});
    }
    const Result<Translation> translation = read_translation(arguments[2]);
    return translation
               ? render_manual_page(program, {source.value(), arguments[1], &translation.value()})
               : translation.error();
}

// Each on a line, as the error; nothing when all is well.
Result<std::string> without_faults(const Program& program, std::string_view path) {
    const Result<Translation> translation = read_translation(path);
    if (!translation) {
        return translation.error();
    }
    std::string lines;
    for (const std::string& fault : translation.value().faults(program)) {
        lines += fmt::format("\n{}: {}", path, fault);
    }
    return lines.empty() ? Result<std::string>(fmt::format("{} is complete\n", path))
                         : Error{"the translation is out of step:" + lines};
}

Result<std::string> written(std::string_view what, const Program& program, Arguments arguments) {
    if (what == "bash" && arguments.empty()) {
        return bash_completion(program);
    }
    if (what == "zsh" && arguments.empty()) {
        return zsh_completion(program);
    }
    if (what == "fish" && arguments.empty()) {
        return fish_completion(program);
    }
    if (what == "man" && (arguments.size() == 2 || arguments.size() == 3)) {
        return manual_page(program, arguments);
    }
    if (what == "faults" && arguments.size() == 1) {
        return without_faults(program, arguments[0]);
    }
    return Error{"usage: see the first lines of src/pages_main.cpp"};
}

int run(Arguments arguments) {
    const bool known =
        arguments.size() >= 2 && (arguments[1] == "tcpeek" || arguments[1] == "tcpeekstat");
    if (!known) {
        return tell(kPages, UsageError{"usage: see the first lines of src/pages_main.cpp"});
    }
    const Program& program = arguments[1] == "tcpeek" ? tcpeek_program() : tcpeekstat_program();
    const Result<std::string> text = written(arguments[0], program, arguments.subspan(2));
    if (!text) {
        tell_error(kPages, text.error().message);
        return 1;
    }
    return tell(kPages, Information{text.value()});
}

}  // namespace
}  // namespace tcpeek

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + std::min(argc, 1), argv + argc);
    return tcpeek::run(arguments);
}
