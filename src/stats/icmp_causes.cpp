#include "stats/icmp_causes.h"

#include <algorithm>
#include <array>

namespace tcpeek {
namespace {

// https://www.iana.org/assignments/icmp-parameters and icmpv6-parameters: unreachable, time
// exceeded, parameter problem; without "fragmentation needed", which is no reason to give up.
constexpr std::array<IcmpCause, 44> kCauses{{
    {false, 3, 0, "icmp_3_0"},   {false, 3, 1, "icmp_3_1"},    {false, 3, 2, "icmp_3_2"},
    {false, 3, 3, "icmp_3_3"},   {false, 3, 5, "icmp_3_5"},    {false, 3, 6, "icmp_3_6"},
    {false, 3, 7, "icmp_3_7"},   {false, 3, 8, "icmp_3_8"},    {false, 3, 9, "icmp_3_9"},
    {false, 3, 10, "icmp_3_10"}, {false, 3, 11, "icmp_3_11"},  {false, 3, 12, "icmp_3_12"},
    {false, 3, 13, "icmp_3_13"}, {false, 3, 14, "icmp_3_14"},  {false, 3, 15, "icmp_3_15"},
    {false, 11, 0, "icmp_11_0"}, {false, 11, 1, "icmp_11_1"},  {false, 12, 0, "icmp_12_0"},
    {false, 12, 1, "icmp_12_1"}, {false, 12, 2, "icmp_12_2"},  {true, 1, 0, "icmpv6_1_0"},
    {true, 1, 1, "icmpv6_1_1"},  {true, 1, 2, "icmpv6_1_2"},   {true, 1, 3, "icmpv6_1_3"},
    {true, 1, 4, "icmpv6_1_4"},  {true, 1, 5, "icmpv6_1_5"},   {true, 1, 6, "icmpv6_1_6"},
    {true, 1, 7, "icmpv6_1_7"},  {true, 1, 8, "icmpv6_1_8"},   {true, 3, 0, "icmpv6_3_0"},
    {true, 3, 1, "icmpv6_3_1"},  {true, 4, 0, "icmpv6_4_0"},   {true, 4, 1, "icmpv6_4_1"},
    {true, 4, 2, "icmpv6_4_2"},  {true, 4, 3, "icmpv6_4_3"},   {true, 4, 4, "icmpv6_4_4"},
    {true, 4, 5, "icmpv6_4_5"},  {true, 4, 6, "icmpv6_4_6"},   {true, 4, 7, "icmpv6_4_7"},
    {true, 4, 8, "icmpv6_4_8"},  {true, 4, 9, "icmpv6_4_9"},   {true, 4, 10, "icmpv6_4_10"},
    {false, 0, 0, "icmp_other"}, {true, 0, 0, "icmpv6_other"},
}};

}  // namespace

std::span<const IcmpCause> icmp_causes() {
    return kCauses;
}

std::size_t icmp_cause_of(const IcmpEvidence& evidence) {
    const auto listed = kCauses.end() - 2;
    const auto row = std::find_if(kCauses.begin(), listed, [&](const IcmpCause& cause) {
        return cause.v6 == evidence.is_v6() && cause.type == evidence.type &&
               cause.code == evidence.code;
    });
    const std::size_t other = kCauses.size() - (evidence.is_v6() ? 1 : 2);
    return row == listed ? other : static_cast<std::size_t>(row - kCauses.begin());
}

}  // namespace tcpeek
