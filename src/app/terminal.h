// The terminal that the program was started on, if any.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace tcpeek {

class Terminal {
  public:
    Terminal() {
        for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
            // poll(2) passes over negative ones.
            watched_.at(static_cast<std::size_t>(fd)) = {::isatty(fd) == 1 ? fd : -1, 0, 0};
        }
    }

    // A window that was closed, or a connection that broke: SIGHUP then means the end, even where
    // it would otherwise ask for a reload.
    [[nodiscard]] bool hung_up() const {
        auto watched = watched_;
        return ::poll(watched.data(), watched.size(), 0) > 0 &&
               std::any_of(watched.begin(), watched.end(), [](const pollfd& each) {
                   return each.fd >= 0 && (each.revents & (POLLHUP | POLLERR)) != 0;
               });
    }

  private:
    std::array<pollfd, 3> watched_{};
};

}  // namespace tcpeek
