// Runs a piece of a test in a child process, since it changes the process for good.
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <string>

#include "base/unique_fd.h"

namespace tcpeek {

// The text that `body` gives, and how the child ended unless it ended well: "[child failed]" or
// "[signal 31]".
inline std::string in_child(const std::function<std::string()>& body) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) {
        return "no pipe";
    }
    UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        const std::string text = body();
        const ssize_t written = ::write(writing.get(), text.data(), text.size());
        ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    writing.reset();
    std::string all;
    std::array<char, 4096> buffer{};
    ssize_t length = 0;
    while ((length = ::read(reading.get(), buffer.data(), buffer.size())) > 0) {
        all.append(buffer.data(), static_cast<std::size_t>(length));
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        return all + "[signal " + std::to_string(WTERMSIG(status)) + "]";
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? all : all + "[child failed]";
}

}  // namespace tcpeek
