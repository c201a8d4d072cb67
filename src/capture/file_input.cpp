#include "capture/file_input.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpeek {

FileInput::FileInput(UniqueFd fd, int wake_fd)
    : fd_(std::move(fd)),
      wake_fd_(wake_fd),
      buffer_(std::make_unique_for_overwrite<std::uint8_t[]>(kBlockSize)) {
    struct stat status {};
    if (::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode)) {
        may_wait_ = false;
        size_ = static_cast<std::uint64_t>(status.st_size);
        // Only a hint (a larger read-ahead window), so its result does not matter.
        static_cast<void>(::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
    }
}

bool FileInput::fill(std::size_t count) {
    for (;;) {
        drop_skipped();
        if (skip_ == 0 && available() >= count) {
            return true;
        }
        if (held_) {
            return give_up(Shortage::held, 0);
        }
        make_room(count);
        if (!wait_until_readable() || !read_more()) {
            return false;
        }
    }
}

void FileInput::drop_skipped() {
    const auto dropped = std::min<std::uint64_t>(skip_, available());
    begin_ += static_cast<std::size_t>(dropped);
    skip_ -= dropped;
}

void FileInput::make_room(std::size_t count) {
    if (begin_ == end_) {
        begin_ = 0;
        end_ = 0;
        return;
    }
    if (capacity_ - begin_ >= count && end_ < capacity_) {
        return;
    }
    if (begin_ > 0) {
        std::memmove(buffer_.get(), buffer_.get() + begin_, available());
        end_ -= begin_;
        begin_ = 0;
    }
    if (end_ == capacity_) {
        const std::size_t grown = capacity_ * 2;
        auto larger = std::make_unique_for_overwrite<std::uint8_t[]>(grown);
        std::memcpy(larger.get(), buffer_.get(), end_);
        buffer_ = std::move(larger);
        capacity_ = grown;
    }
}

bool FileInput::wait_until_readable() {
    if (!may_wait_) {
        return true;
    }
    std::array<pollfd, 2> waited{{{fd_.get(), POLLIN, 0}, {wake_fd_, POLLIN, 0}}};
    for (;;) {
        const int ready = ::poll(waited.data(), waited.size(), -1);
        if (ready < 0 && errno != EINTR) {
            return give_up(Shortage::failed, errno);
        }
        if (ready > 0 && waited[1].revents != 0) {
            return give_up(Shortage::interrupted, 0);
        }
        if (ready > 0) {
            return true;
        }
    }
}

bool FileInput::read_more() {
    for (;;) {
        const ssize_t got = ::read(fd_.get(), buffer_.get() + end_, capacity_ - end_);
        if (got > 0) {
            const auto count = static_cast<std::size_t>(got);
            end_ += count;
            bytes_read_.store(bytes_read() + count, std::memory_order_relaxed);
            return true;
        }
        if (got == 0) {
            return give_up(Shortage::end, 0);
        }
        if (errno == EAGAIN) {
            // Another reader of the same pipe was faster.
            if (!wait_until_readable()) {
                return false;
            }
        } else if (errno != EINTR) {
            return give_up(Shortage::failed, errno);
        }
    }
}

bool FileInput::give_up(Shortage shortage, int error_number) {
    shortage_ = shortage;
    error_number_ = error_number;
    return false;
}

}  // namespace tcpeek
