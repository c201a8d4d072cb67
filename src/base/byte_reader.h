// Reads big-endian ("network order") fields from borrowed bytes, with bounds checked. This is the
// one place where packet bytes become host-order numbers.
#pragma once

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
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

    [[gnu::always_inline]] std::uint8_t u8() { return big_endian<std::uint8_t>(); }
    [[gnu::always_inline]] std::uint16_t u16() { return big_endian<std::uint16_t>(); }
    [[gnu::always_inline]] std::uint32_t u32() { return big_endian<std::uint32_t>(); }

    // The next `count` bytes, or an empty span when there are fewer.
    [[gnu::always_inline]] Bytes take(std::size_t count) {
        return reserve(count) ? Bytes(bytes_.data() + offset_ - count, count) : Bytes{};
    }

    [[gnu::always_inline]] void skip(std::size_t count) { static_cast<void>(reserve(count)); }

  private:
    // Moves on by `count` bytes if there are as many. Inlined always, like its callers: reading is
    // most of what a dissection does.
    [[gnu::always_inline]] bool reserve(std::size_t count) {
        if (count > bytes_.size() - offset_) [[unlikely]] {
            ok_ = false;
            offset_ = bytes_.size();
            return false;
        }
        offset_ += count;
        return ok_;
    }

    template <typename Number>
    [[gnu::always_inline]] Number big_endian() {
        Number value = 0;
        if (reserve(sizeof value)) {
            std::memcpy(&value, bytes_.data() + offset_ - sizeof value, sizeof value);
        }
        if constexpr (sizeof value == 2) {
            value = ntohs(value);
        } else if constexpr (sizeof value == 4) {
            value = ntohl(value);
        }
        return value;
    }

    Bytes bytes_;
    std::size_t offset_ = 0;
    bool ok_ = true;
};

}  // namespace tcpeek
