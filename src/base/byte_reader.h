// Reads big-endian ("network order") fields from borrowed bytes, with bounds checked. This is the
// one place where packet bytes become host-order numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tcpeek {

using Bytes = std::span<const std::uint8_t>;

// A cursor over bytes that it does not own; they must outlive it. A read beyond the end yields 0
// and makes `ok()` false for good, so a parser may read all fields of a header and ask once.
class ByteReader {
  public:
    explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

    [[nodiscard]] bool ok() const { return ok_; }
    [[nodiscard]] std::size_t remaining() const { return bytes_.size() - offset_; }
    // The bytes that are not read yet.
    [[nodiscard]] Bytes rest() const { return bytes_.subspan(offset_); }

    std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
    std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
    std::uint32_t u32() { return static_cast<std::uint32_t>(big_endian(4)); }

    // The next `count` bytes, or an empty span when there are fewer.
    Bytes take(std::size_t count) {
        if (!reserve(count)) {
            return {};
        }
        const Bytes taken = bytes_.subspan(offset_, count);
        offset_ += count;
        return taken;
    }

    void skip(std::size_t count) { static_cast<void>(take(count)); }

  private:
    bool reserve(std::size_t count) {
        if (count > remaining()) {
            ok_ = false;
            offset_ = bytes_.size();
        }
        return ok_;
    }

    std::uint64_t big_endian(std::size_t width) {
        if (!reserve(width)) {
            return 0;
        }
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < width; ++i) {
            value = value << 8U | bytes_[offset_ + i];
        }
        offset_ += width;
        return value;
    }

    Bytes bytes_;
    std::size_t offset_ = 0;
    bool ok_ = true;
};

}  // namespace tcpeek
