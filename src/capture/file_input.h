// The bytes of a file or pipe, read in large blocks and shown in place, always as one contiguous
// piece from the current position on.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "base/byte_reader.h"
#include "base/unique_fd.h"

namespace tcpeek {

// What a capture format's reader did with the input.
enum class FileStep : std::uint8_t {
    frame,    // a frame was filled in
    starved,  // the bytes ran out; `FileInput::shortage` says why
    flawed,   // the bytes contradict the format
};

class FileInput {
  public:
    // One read(2) asks for this much: large enough that system calls cost nothing per packet, and
    // small enough that the bytes are still in the second-level cache when they are judged.
    static constexpr std::size_t kBlockSize = std::size_t{128} * 1024;

    // Why `need` failed.
    enum class Shortage : std::uint8_t {
        end,          // the input holds no more
        failed,       // read(2) failed; `error_number` has its errno
        interrupted,  // `wake_fd` became readable while waiting; `need` may be called again
        held,         // the bytes must stay where they are (`hold`); likewise
    };

    // `wake_fd` (-1: none) is borrowed and is only looked at where reading may wait, i.e. for all
    // but regular files.
    FileInput(UniqueFd fd, int wake_fd);

    // Whether `count` (at least 1) bytes from the current position on are in memory, reading until
    // they are. Reads nothing when they are there already. May move the bytes: earlier spans are
    // void. The buffer grows only once it is full of bytes that did arrive, whatever `count`
    // claims.
    bool need(std::size_t count) { return available() >= count || fill(count); }

    // While held, `need` reads nothing, so that spans of what is in memory stay valid, also of what
    // was consumed since.
    void hold(bool held) { held_ = held; }

    // The bytes that `need` found; at least as many as were asked for.
    [[nodiscard]] Bytes bytes() const { return {buffer_.get() + begin_, available()}; }

    // Moves the position on, also beyond what is in memory: those bytes are dropped as they come.
    void consume(std::uint64_t count) {
        if (count <= available()) {
            begin_ += static_cast<std::size_t>(count);
        } else {
            skip_ += count - available();
            begin_ = end_;
        }
    }

    // Offsets from the start of the input: of the current position, and of the last byte read.
    [[nodiscard]] std::uint64_t position() const { return bytes_read() - available() + skip_; }
    // May be asked from any thread.
    [[nodiscard]] std::uint64_t bytes_read() const {
        return bytes_read_.load(std::memory_order_relaxed);
    }
    // Only regular files have one.
    [[nodiscard]] std::optional<std::uint64_t> size() const { return size_; }

    // Octets of memory held for the input.
    [[nodiscard]] std::size_t capacity() const { return capacity_; }

    [[nodiscard]] Shortage shortage() const { return shortage_; }
    [[nodiscard]] int error_number() const { return error_number_; }

  private:
    [[nodiscard]] std::size_t available() const { return end_ - begin_; }
    bool fill(std::size_t count);
    void drop_skipped();
    void make_room(std::size_t count);
    bool wait_until_readable();
    bool read_more();
    bool give_up(Shortage shortage, int error_number);

    UniqueFd fd_;
    int wake_fd_ = -1;
    std::optional<std::uint64_t> size_;
    bool may_wait_ = true;

    std::unique_ptr<std::uint8_t[]> buffer_;
    std::size_t capacity_ = kBlockSize;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    bool held_ = false;
    std::uint64_t skip_ = 0;  // bytes beyond `end_` to be dropped; then begin_ == end_
    std::atomic<std::uint64_t> bytes_read_ = 0;

    Shortage shortage_ = Shortage::end;
    int error_number_ = 0;
};

}  // namespace tcpeek
