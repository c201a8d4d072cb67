// 64-bit values that are stored at addresses of half their size, for structs of which millions are
// kept.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

#include "base/timestamp.h"

namespace tcpeek {

class Word64 {
  public:
    constexpr Word64() = default;
    constexpr Word64(std::uint64_t value) : halves_(std::bit_cast<Halves>(value)) {}

    constexpr operator std::uint64_t() const { return std::bit_cast<std::uint64_t>(halves_); }

  private:
    // Written and read in one piece: a processor waits for two short writes when a long read of
    // both follows at once.
    using Halves = std::array<std::uint32_t, 2>;

    Halves halves_{};
};

class StoredTime {
  public:
    constexpr StoredTime() = default;
    constexpr StoredTime(Timestamp time) : ns_(static_cast<std::uint64_t>(time.ns)) {}

    [[nodiscard]] constexpr Timestamp get() const { return *this; }
    constexpr operator Timestamp() const {
        return {static_cast<std::int64_t>(static_cast<std::uint64_t>(ns_))};
    }

  private:
    Word64 ns_;
};

}  // namespace tcpeek
