#include "capture/pcap_limits.h"

#include <algorithm>
#include <array>
#include <limits>

namespace tcpeek {
namespace {

constexpr std::uint32_t kKiB = 1024;
constexpr std::uint32_t kMiB = 1024 * kKiB;

// Four times the longest IP packet without extensions: what libpcap, tcpdump and Wireshark take as
// the maximum for all link types but those below.
constexpr std::uint32_t kLargestCommonPacket = 256 * kKiB;

struct LongPackets {
    LinkType link_type;
    std::uint32_t largest = 0;
};

constexpr std::array<LongPackets, 3> kLongPackets{{
    {LinkType{231}, 128 * kMiB},  // D-Bus messages
    {LinkType{249}, 1 * kMiB},    // USBPcap transfers
    {LinkType{279}, 8 * kMiB},    // Elektrobit bus messages
}};

}  // namespace

std::uint32_t largest_packet(LinkType link_type) {
    const auto row = std::find_if(kLongPackets.begin(), kLongPackets.end(),
                                  [&](const auto& r) { return r.link_type == link_type; });
    return row != kLongPackets.end() ? row->largest : kLargestCommonPacket;
}

std::uint32_t effective_snapshot_length(LinkType link_type, std::uint32_t stated) {
    const bool limited =
        stated != 0 && stated <= std::uint32_t{std::numeric_limits<std::int32_t>::max()};
    return limited ? stated : largest_packet(link_type);
}

}  // namespace tcpeek
