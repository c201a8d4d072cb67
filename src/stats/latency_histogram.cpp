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
    groups_.resize(kGroups);
}

LatencyHistogram::Place LatencyHistogram::place_of(Duration value) {
    const auto ns = static_cast<std::uint64_t>(std::max(value, Duration{}).ns);
    const auto bits = static_cast<unsigned>(std::bit_width(ns));
    if (bits > kHighestBits) {
        return {kGroups - 1, kParts - 1};
    }
    if (bits > kLowestBits) {
        return {bits - kLowestBits, (ns >> (bits - 1 - kPartBits)) - kParts};
    }
    return {0, ns >> (kLowestBits - kPartBits)};
}

void LatencyHistogram::add(Duration duration) {
    const Duration value = std::max(duration, Duration{});
    ++totals_.count;
    totals_.sum = totals_.sum + value;
    totals_.max = std::max(totals_.max, value);
    const auto ns = static_cast<std::uint64_t>(value.ns);
    ++totals_.buckets[bucket_of(ns, static_cast<unsigned>(std::bit_width(ns)))];

    const Place place = place_of(value);
    std::uint8_t& group = totals_.places[place.group];
    if (group == kNotUsed) {
        group = totals_.groups++;
        if (group == groups_.size()) {
            groups_.emplace_back();
        } else {
            groups_[group] = {};
        }
    }
    ++groups_[group][place.part];
}

LatencyHistogram::Copy::Copy(const LatencyHistogram& from, LatencyHistogram& to)
    : from_(&from),
      to_(&to),
      due_(static_cast<std::uint32_t>((std::uint64_t{1} << from.totals_.groups) - 1)) {
    to.totals_ = from.totals_;
}

void LatencyHistogram::Copy::before_adding(Duration duration) {
    const std::uint8_t place = from_->totals_.places[place_of(duration).group];
    if (place != kNotUsed) {
        copy_group(place);
    }
}

std::size_t LatencyHistogram::Copy::finish() {
    const auto copied = static_cast<std::size_t>(std::popcount(due_));
    while (due_ != 0) {
        copy_group(static_cast<std::size_t>(std::countr_zero(due_)));
    }
    return copied;
}

void LatencyHistogram::Copy::copy_group(std::size_t place) {
    const std::uint32_t bit = 1U << place;
    if ((due_ & bit) == 0) {
        return;
    }
    due_ &= ~bit;
    if (to_->groups_.size() <= place) {
        to_->make_room();
    }
    to_->groups_[place] = from_->groups_[place];
}

std::optional<Duration> LatencyHistogram::max() const {
    return totals_.count == 0 ? std::nullopt : std::optional(totals_.max);
}

std::optional<Duration> LatencyHistogram::percentile(double rank) const {
    if (totals_.count == 0) {
        return std::nullopt;
    }
    const double wanted =
        std::ceil(std::clamp(rank, 0.0, 1.0) * static_cast<double>(totals_.count));
    std::uint64_t left =
        std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, totals_.count);
    for (std::size_t group = 0; group < kGroups; ++group) {
        if (totals_.places[group] == kNotUsed) {
            continue;
        }
        const unsigned width_bits =
            group == 0 ? kLowestBits - kPartBits
                       : kLowestBits + static_cast<unsigned>(group) - 1 - kPartBits;
        for (std::size_t part = 0; part < kParts; ++part) {
            const std::uint64_t here = groups_[totals_.places[group]][part];
            if (left > here) {
                left -= here;
                continue;
            }
            const std::uint64_t first = (part + (group == 0 ? 0 : kParts)) << width_bits;
            const std::uint64_t middle = first + (std::uint64_t{1} << width_bits) / 2;
            return std::min(Duration::nanoseconds(static_cast<std::int64_t>(middle)), totals_.max);
        }
    }
    return totals_.max;
}

}  // namespace tcpeek
