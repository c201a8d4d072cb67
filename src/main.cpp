// argv to Config to App.
#include <fmt/format.h>

#include <cstdio>

#include "app/app.h"
#include "cli/parse.h"

int main(int argc, char** argv) {
    const tcpeek::ParseResult parsed = tcpeek::parse_command_line(argc, argv);
    if (const auto* information = std::get_if<tcpeek::Information>(&parsed)) {
        fmt::print("{}", information->text);
        return 0;
    }
    if (const auto* error = std::get_if<tcpeek::UsageError>(&parsed)) {
        fmt::print(stderr, "tcpeek: {}\n", error->message);
        return 2;
    }
    return tcpeek::run_app(std::get<tcpeek::Config>(parsed));
}
