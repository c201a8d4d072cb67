// Reads big-endian ("network order") fields from borrowed bytes, with bounds checked. This is the
// one place where packet bytes become host-order numbers.
#pragma once

#include <arpa/inet.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>

namespace tcpeek {

using Bytes = std::span<const std::uint8_t>;

// Borrows the `Size` bytes of a header that are all there, so that its fields, whose places are
// known when the program is compiled, need no check each.
template <std::size_t Size>
class FixedHeader {
  public:
    explicit FixedHeader(std::span<const std::uint8_t, Size> bytes) : bytes_(bytes) {}

    template <std::size_t Offset>
    [[nodiscard]] std::uint8_t u8() const {
        static_assert(Offset < Size);
        return bytes_[Offset];
    }
    template <std::size_t Offset>
    [[nodiscard]] std::uint16_t u16() const {
        const auto value = load<std::uint16_t, Offset>();
        return ntohs(value);
    }
    template <std::size_t Offset>
    [[nodiscard]] std::uint32_t u32() const {
        const auto value = load<std::uint32_t, Offset>();
        return ntohl(value);
    }
    template <std::size_t Offset, std::size_t Count>
    [[nodiscard]] std::span<const std::uint8_t, Count> octets() const {
        return bytes_.template subspan<Offset, Count>();
    }

  private:
    template <typename Number, std::size_t Offset>
    [[nodiscard]] Number load() const {
        static_assert(Offset + sizeof(Number) <= Size);
        Number value;
        std::memcpy(&value, bytes_.data() + Offset, sizeof value);
        return value;
    }

    std::span<const std::uint8_t, Size> bytes_;
};

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

    // The header that begins here, or nothing (as with a read beyond the end) when it is cut.
    template <std::size_t Size>
    [[gnu::always_inline]] std::optional<FixedHeader<Size>> header() {
        if (!reserve(Size)) {
            return std::nullopt;
        }
        return FixedHeader<Size>(
            std::span<const std::uint8_t, Size>(bytes_.data() + offset_ - Size, Size));
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
