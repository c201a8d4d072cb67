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
    // A copy of the histogram as it is at one instant, of which the fine scale follows later.
    class Copy;

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

    // Takes all the memory that it can ever need, so that a `Copy` into it only copies.
    void make_room();

    // Negative durations count as 0.
    void add(Duration duration);

    [[nodiscard]] std::uint64_t count() const { return totals_.count; }
    // Stays at its maximum, which takes 292 years of waiting to reach.
    [[nodiscard]] Duration sum() const { return totals_.sum; }
    // Exact; nothing when nothing was counted.
    [[nodiscard]] std::optional<Duration> max() const;
    // The duration that a share `rank` (0 to 1) of all are no longer than, at most 2 % off for
    // 1 us and more, and never above `max`; nothing when nothing was counted.
    [[nodiscard]] std::optional<Duration> percentile(double rank) const;
    // By kBounds and above them; not cumulative.
    [[nodiscard]] const std::array<std::uint64_t, kBounds.size() + 1>& buckets() const {
        return totals_.buckets;
    }

  private:
    static constexpr unsigned kPartBits = 5;
    static constexpr unsigned kParts = 1U << kPartBits;  // of one power of two
    static constexpr unsigned kLowestBits = 10;          // values below 2^10 ns are one group
    static constexpr unsigned kHighestBits = 38;
    static constexpr std::size_t kGroups = kHighestBits - kLowestBits + 1;
    static constexpr std::uint8_t kNotUsed = 0xff;
    using Group = std::array<std::uint64_t, kParts>;

    // All but the fine scale.
    struct Totals {
        Totals() { places.fill(kNotUsed); }

        std::uint64_t count = 0;
        Duration sum;
        Duration max;
        std::array<std::uint64_t, kBounds.size() + 1> buckets{};
        std::array<std::uint8_t, kGroups> places;  // in `groups_`, by power of two
        std::uint8_t groups = 0;                   // in use
    };
    // Where a value counts on the fine scale.
    struct Place {
        std::size_t group;
        std::size_t part;
    };
    static Place place_of(Duration value);

    Totals totals_;
    std::vector<Group> groups_;  // in the order of their first values; unused ones at the end
};

// Both histograms must outlive it and stay where they are. The copy is not to be looked at before
// all is copied; until then the original may grow, if each value is told before it is added.
class LatencyHistogram::Copy {
  public:
    Copy(const LatencyHistogram& from, LatencyHistogram& to);

    // `duration` is about to be added to the original.
    void before_adding(Duration duration);
    // Copies what is not copied yet; returns how many groups of 256 octets that were.
    std::size_t finish();

  private:
    static_assert(kGroups <= 32);

    void copy_group(std::size_t place);

    const LatencyHistogram* from_;
    LatencyHistogram* to_;
    std::uint32_t due_;  // a bit for each place in `groups_`
};

}  // namespace tcpeek
