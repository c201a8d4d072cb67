#include "cli/standard_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <system_error>

namespace tcpeek {

void keep_standard_descriptors() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (fcntl(fd, F_GETFD) < 0) {
            // Takes the lowest number that is free, which is `fd`.
            static_cast<void>(open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY));
        }
    }
}

Result<Written> write_standard_output(std::string_view text) {
    std::signal(SIGPIPE, SIG_IGN);
    while (!text.empty()) {
        const ssize_t written = write(STDOUT_FILENO, text.data(), text.size());
        if (written < 0 && (errno == EPIPE || errno == EINTR)) {
            return errno == EPIPE ? Written::reader_gone : Written::interrupted;
        }
        if (written < 0) {
            return Error{fmt::format("cannot write to standard output: {}",
                                     std::generic_category().message(errno))};
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return Written::whole;
}

void tell_error(const Program& program, std::string_view message) {
    const std::string line = fmt::format("{}: {}\n", program.name, message);
    // Where it cannot be written there is nobody to tell.
    static_cast<void>(std::fwrite(line.data(), 1, line.size(), stderr));
}

int tell(const Program& program, const Information& information) {
    const auto written = write_standard_output(information.text);
    if (!written) {
        tell_error(program, written.error().message);
    }
    return written ? 0 : 1;
}

int tell(const Program& program, const UsageError& error) {
    tell_error(program, error.message);
    return error.status;
}

}  // namespace tcpeek
