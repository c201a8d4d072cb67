// Percentiles of the log-linear scale against the exact ones, bounds of the buckets, copies.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "stats/icmp_causes.h"
#include "stats/latency_histogram.h"

namespace tcpeek {
namespace {

TEST(LatencyHistogram, EmptyHasNoPercentile) {
    const LatencyHistogram histogram;
    EXPECT_EQ(histogram.count(), 0U);
    EXPECT_FALSE(histogram.percentile(0.5).has_value());
    EXPECT_FALSE(histogram.max().has_value());
}

TEST(LatencyHistogram, PercentilesAreAtMostTwoPercentOff) {
    std::mt19937_64 random(7);
    // From a microsecond to 100 seconds, evenly by magnitude.
    std::uniform_real_distribution<double> magnitude(3, 11);
    LatencyHistogram histogram;
    std::vector<std::int64_t> all;
    for (int i = 0; i < 50'000; ++i) {
        const auto ns = static_cast<std::int64_t>(std::pow(10, magnitude(random)));
        histogram.add(Duration::nanoseconds(ns));
        all.push_back(ns);
    }
    std::sort(all.begin(), all.end());
    for (const double rank : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
        const auto place = static_cast<std::size_t>(
            std::max(std::ceil(rank * static_cast<double>(all.size())), 1.0));
        const auto exact = static_cast<double>(all[place - 1]);
        const auto told = static_cast<double>(histogram.percentile(rank)->ns);
        EXPECT_NEAR(told / exact, 1.0, 0.02) << "rank " << rank;
    }
    EXPECT_EQ(histogram.max()->ns, all.back());
}

TEST(LatencyHistogram, EveryMagnitudeIsAtMostTwoPercentOff) {
    for (std::int64_t ns = 1'000; ns < 270'000'000'000; ns += ns / 97 + 1) {
        LatencyHistogram histogram;
        histogram.add(Duration::nanoseconds(ns));
        histogram.add(Duration::seconds(275));
        const auto told = static_cast<double>(histogram.percentile(0.5)->ns);
        ASSERT_NEAR(told / static_cast<double>(ns), 1.0, 0.02) << ns;
    }
}

TEST(LatencyHistogram, BoundsAreInclusive) {
    LatencyHistogram histogram;
    for (const Duration bound : LatencyHistogram::kBounds) {
        histogram.add(bound);
        histogram.add(bound + Duration::nanoseconds(1));
    }
    const auto& buckets = histogram.buckets();
    EXPECT_EQ(buckets.front(), 1U);
    EXPECT_EQ(buckets.back(), 1U);
    EXPECT_TRUE(std::all_of(buckets.begin() + 1, buckets.end() - 1,
                            [](std::uint64_t count) { return count == 2; }));
}

TEST(LatencyHistogram, OddDurations) {
    LatencyHistogram histogram;
    for (const std::int64_t ns : {std::int64_t{-5}, std::int64_t{0}, INT64_MAX, INT64_MAX}) {
        histogram.add(Duration::nanoseconds(ns));
    }
    EXPECT_EQ(histogram.count(), 4U);
    EXPECT_EQ(histogram.sum().ns, INT64_MAX) << "stays at its maximum";
    EXPECT_EQ(histogram.buckets().front(), 2U);
    EXPECT_EQ(histogram.buckets().back(), 2U);
    EXPECT_LE(histogram.percentile(0.25)->ns, 16);
}

TEST(LatencyHistogram, ACopyStandsAlone) {
    LatencyHistogram original;
    original.add(Duration::milliseconds(3));
    LatencyHistogram copy(original);
    original.add(Duration::seconds(3));
    EXPECT_EQ(copy.count(), 1U);
    EXPECT_NEAR(static_cast<double>(copy.percentile(1.0)->ns), 3e6, 6e4);
    LatencyHistogram larger;
    larger.add(Duration::seconds(100));
    larger = copy;
    EXPECT_EQ(larger.percentile(1.0), copy.percentile(1.0));
    EXPECT_EQ(larger.count(), 1U);
}

TEST(IcmpCauses, EachCodeHasItsOwnAndOthersShareOne) {
    const auto index = [](const char* reporter, std::uint8_t type, std::uint8_t code) {
        return icmp_causes()[icmp_cause_of({*IpAddress::parse(reporter), type, code})].name;
    };
    EXPECT_EQ(index("192.0.2.1", 3, 13), "icmp_3_13");
    EXPECT_EQ(index("2001:db8::1", 1, 4), "icmpv6_1_4");
    EXPECT_EQ(index("192.0.2.1", 3, 200), "icmp_other");
    EXPECT_EQ(index("192.0.2.1", 0, 0), "icmp_other");
    EXPECT_EQ(index("2001:db8::1", 1, 99), "icmpv6_other");
    EXPECT_EQ(index("2001:db8::1", 0, 0), "icmpv6_other");
}

}  // namespace
}  // namespace tcpeek
