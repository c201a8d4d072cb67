// 64-bit values that are stored at addresses of half their size, for structs of which millions are
// kept.
#pragma once

#include <cstdint>

#include "base/timestamp.h"

namespace tcpeek {

class Word64 {
  public:
    constexpr Word64() = default;
    constexpr Word64(std::uint64_t value)
        : low_(static_cast<std::uint32_t>(value)),
          high_(static_cast<std::uint32_t>(value >> 32U)) {}

    constexpr operator std::uint64_t() const { return std::uint64_t{high_} << 32U | low_; }

  private:
    std::uint32_t low_ = 0;
    std::uint32_t high_ = 0;
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
