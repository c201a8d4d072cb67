// Counts durations two ways: by the fixed bounds that Prometheus' buckets have, exactly, and by a
// fine log-linear scale, for percentiles.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/timestamp.h"

namespace tcpeek {

// The fine scale follows HdrHistogram (http://hdrhistogram.org): every power of two is cut into
// equal parts, here 32, so that a part is at most 1/32 of the values in it and its middle at most
// 1.6 % off. Values of 2^38 ns (275 s) and more share the last part; below 1 us parts are 32 ns
// wide. The parts of one power of two are allocated when the first value falls into them: 256
// octets each, at most 29 of them, side by side, so that a copy is one move of memory.
class LatencyHistogram {
  public:
    // Upper bounds of the buckets, inclusive, from a LAN's to a satellite's and beyond; above the
    // last there is one more bucket.
    static constexpr std::array<Duration, 20> kBounds{
        Duration::microseconds(50),  Duration::microseconds(100), Duration::microseconds(200),
        Duration::microseconds(500), Duration::milliseconds(1),   Duration::milliseconds(2),
        Duration::milliseconds(5),   Duration::milliseconds(10),  Duration::milliseconds(20),
        Duration::milliseconds(50),  Duration::milliseconds(100), Duration::milliseconds(200),
        Duration::milliseconds(500), Duration::seconds(1),        Duration::seconds(2),
        Duration::seconds(4),        Duration::seconds(8),        Duration::seconds(16),
        Duration::seconds(32),       Duration::seconds(64)};

    LatencyHistogram() { places_.fill(kNotUsed); }

    // Takes all the memory that it can ever need, so that a copy into it only copies.
    void make_room();

    // Negative durations count as 0.
    void add(Duration duration);

    [[nodiscard]] std::uint64_t count() const { return count_; }
    // Stays at its maximum, which takes 292 years of waiting to reach.
    [[nodiscard]] Duration sum() const { return sum_; }
    // Exact; nothing when nothing was counted.
    [[nodiscard]] std::optional<Duration> max() const;
    // The duration that a share `rank` (0 to 1) of all are no longer than, at most 2 % off for
    // 1 us and more, and never above `max`; nothing when nothing was counted.
    [[nodiscard]] std::optional<Duration> percentile(double rank) const;
    // By kBounds and above them; not cumulative.
    [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const {
        return buckets_;
    }

  private:
    static constexpr unsigned kPartBits = 5;
    static constexpr unsigned kParts = 1U << kPartBits;  // of one power of two
    static constexpr unsigned kLowestBits = 10;          // values below 2^10 ns are one group
    static constexpr unsigned kHighestBits = 38;
    static constexpr std::size_t kGroups = kHighestBits - kLowestBits + 1;
    static constexpr std::uint8_t kNotUsed = 0xff;
    using Group = std::array<std::uint64_t, kParts>;

    std::uint64_t count_ = 0;
    Duration sum_;
    Duration max_;
    std::array<std::uint64_t, kBounds.size() + 1> buckets_{};
    std::array<std::uint8_t, kGroups> places_;  // in `groups_`, by power of two
    std::vector<Group> groups_;                 // in the order of their first values
};

}  // namespace tcpeek
