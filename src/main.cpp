// argv to Config to App.
#include "app/app.h"
#include "cli/option_table.h"
#include "cli/parse.h"
#include "cli/standard_streams.h"

int main(int argc, char** argv) {
    tcpeek::keep_standard_descriptors();
    const tcpeek::ParseResult parsed = tcpeek::parse_command_line(argc, argv);
    if (const auto* information = std::get_if<tcpeek::Information>(&parsed)) {
        return tcpeek::tell(tcpeek::tcpeek_program(), *information);
    }
    if (const auto* error = std::get_if<tcpeek::UsageError>(&parsed)) {
        return tcpeek::tell(tcpeek::tcpeek_program(), *error);
    }
    return tcpeek::run_app(std::get<tcpeek::Config>(parsed),
                           [argc, argv] { return tcpeek::parse_command_line(argc, argv); });
}
