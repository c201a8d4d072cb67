#include "app/fd_writer.h"

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace tcpeek {
namespace {

using std::chrono::steady_clock;

// How often a waiting writer looks whether the program is ending.
constexpr int kLookMs = 50;

}  // namespace

// A pipe that is ready takes PIPE_BUF octets without blocking (pipe(7)); a file takes anything.
FdWriter::FdWriter(int fd) : fd_(fd), largest_write_(PIPE_BUF) {
    struct stat status {};
    if (::fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
        largest_write_ = SSIZE_MAX;
    }
}

FdWriter::Outcome FdWriter::write(std::string_view text) {
    unwritten_ = text.size();
    while (!text.empty()) {
        if (!wait_until_writable()) {
            return Outcome::timed_out;
        }
        const std::size_t chunk = std::min(text.size(), largest_write_);
        const ssize_t written = ::write(fd_, text.data(), chunk);
        if (written >= 0) {
            text.remove_prefix(static_cast<std::size_t>(written));
            unwritten_ = text.size();
        } else if (errno != EINTR && errno != EAGAIN) {
            return errno == EPIPE ? Outcome::reader_gone : Outcome::failed;
        }
    }
    return Outcome::written;
}

bool FdWriter::wait_until_writable() const {
    pollfd watched{fd_, POLLOUT, 0};
    while (::poll(&watched, 1, kLookMs) <= 0) {
        if (steady_clock::now() >= deadline_.load(std::memory_order_relaxed)) {
            return false;
        }
    }
    return true;
}

void FdWriter::give_up_after(std::chrono::milliseconds patience) {
    deadline_.store(steady_clock::now() + patience, std::memory_order_relaxed);
}

}  // namespace tcpeek
