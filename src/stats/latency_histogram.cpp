#include "stats/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tcpeek {
namespace {

// The first bound that a value of so many bits may be within.
constexpr auto kFirstBoundOfBits = [] {
    std::array<std::uint8_t, 65> first{};
    for (unsigned bits = 1; bits <= 64; ++bits) {
        const std::uint64_t lowest = std::uint64_t{1} << (bits - 1);
        while (first[bits] < LatencyHistogram::kBounds.size() &&
               static_cast<std::uint64_t>(LatencyHistogram::kBounds[first[bits]].ns) < lowest) {
            ++first[bits];
        }
    }
    return first;
}();

std::size_t bucket_of(std::uint64_t ns, unsigned bits) {
    std::size_t bucket = kFirstBoundOfBits[bits];
    while (bucket < LatencyHistogram::kBounds.size() &&
           static_cast<std::uint64_t>(LatencyHistogram::kBounds[bucket].ns) < ns) {
        ++bucket;
    }
    return bucket;
}

}  // namespace

void LatencyHistogram::make_room() {
    const std::size_t used = groups_.size();
    groups_.resize(kGroups);
    groups_.resize(used);
}

void LatencyHistogram::add(Duration duration) {
    const Duration value = std::max(duration, Duration{});
    ++count_;
    sum_ = sum_ + value;
    max_ = std::max(max_, value);
    const auto ns = static_cast<std::uint64_t>(value.ns);
    const auto bits = static_cast<unsigned>(std::bit_width(ns));
    ++buckets_[bucket_of(ns, bits)];

    std::size_t group = 0;
    std::uint64_t part = ns >> (kLowestBits - kPartBits);
    if (bits > kHighestBits) {
        group = kGroups - 1;
        part = kParts - 1;
    } else if (bits > kLowestBits) {
        group = bits - kLowestBits;
        part = (ns >> (bits - 1 - kPartBits)) - kParts;
    }
    if (places_[group] == kNotUsed) {
        places_[group] = static_cast<std::uint8_t>(groups_.size());
        groups_.emplace_back();
    }
    ++groups_[places_[group]][part];
}

std::optional<Duration> LatencyHistogram::max() const {
    return count_ == 0 ? std::nullopt : std::optional(max_);
}

std::optional<Duration> LatencyHistogram::percentile(double rank) const {
    if (count_ == 0) {
        return std::nullopt;
    }
    const double wanted = std::ceil(std::clamp(rank, 0.0, 1.0) * static_cast<double>(count_));
    std::uint64_t left = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
    for (std::size_t group = 0; group < kGroups; ++group) {
        if (places_[group] == kNotUsed) {
            continue;
        }
        const unsigned width_bits =
            group == 0 ? kLowestBits - kPartBits
                       : kLowestBits + static_cast<unsigned>(group) - 1 - kPartBits;
        for (std::size_t part = 0; part < kParts; ++part) {
            const std::uint64_t here = groups_[places_[group]][part];
            if (left > here) {
                left -= here;
                continue;
            }
            const std::uint64_t first = (part + (group == 0 ? 0 : kParts)) << width_bits;
            const std::uint64_t middle = first + (std::uint64_t{1} << width_bits) / 2;
            return std::min(Duration::nanoseconds(static_cast<std::int64_t>(middle)), max_);
        }
    }
    return max_;
}

}  // namespace tcpeek
