// argv to StatConfig to the one thing that is asked for.
#include "cli/standard_streams.h"
#include "tcpeekstat/run.h"

int main(int argc, char** argv) {
    tcpeek::keep_standard_descriptors();
    const tcpeek::StatParseResult parsed = tcpeek::parse_stat_command_line(argc, argv);
    if (const auto* information = std::get_if<tcpeek::Information>(&parsed)) {
        return tcpeek::tell(tcpeek::tcpeekstat_program(), *information);
    }
    if (const auto* error = std::get_if<tcpeek::UsageError>(&parsed)) {
        return tcpeek::tell(tcpeek::tcpeekstat_program(), *error);
    }
    return tcpeek::run(std::get<tcpeek::StatConfig>(parsed));
}
