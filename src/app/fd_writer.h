// Writes text to a descriptor that may be a pipe whose reader is slow or gone.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <string_view>

namespace tcpeek {

// Belongs to one thread; `give_up_after` may be called from any.
class FdWriter {
  public:
    enum class Outcome {
        written,
        reader_gone,
        timed_out,  // only after `give_up_after`
        failed,     // errno says why, e.g. a full disk
    };

    // Borrows `fd`, which must stay open.
    explicit FdWriter(int fd);

    // Writes all of `text`, waiting for a slow reader. After `give_up_after` was called it waits at
    // most until then.
    Outcome write(std::string_view text);

    // How many octets of the last text were not written.
    [[nodiscard]] std::size_t unwritten() const { return unwritten_; }

    // The program is ending: waits for the reader no longer than `patience` from now, altogether.
    void give_up_after(std::chrono::milliseconds patience);

  private:
    [[nodiscard]] bool wait_until_writable() const;

    int fd_;
    std::size_t largest_write_;
    std::size_t unwritten_ = 0;
    std::atomic<std::chrono::steady_clock::time_point> deadline_ =
        std::chrono::steady_clock::time_point::max();
};

}  // namespace tcpeek
