// UDP ports of tunnels. Where the source port is a hash of the inner packet (RFC 7348 5), only the
// destination's tells.
#include <algorithm>
#include <array>

#include "dissect/layers.h"

namespace tcpeek {
namespace {

enum class Told : std::uint8_t { by_destination, by_either };

struct UdpPortRow {
    std::uint16_t port;
    Told told;
    Step::Protocol protocol;
};

constexpr std::array<UdpPortRow, 6> kUdpPorts{{
    {2152, Told::by_either, dissect_gtp},
    {3544, Told::by_either, dissect_teredo},
    {4754, Told::by_destination, dissect_gre},
    {4789, Told::by_destination, dissect_vxlan},
    {4790, Told::by_destination, dissect_vxlan_gpe},
    {6081, Told::by_destination, dissect_geneve},
}};

}  // namespace

Step by_udp_ports(std::uint16_t source, std::uint16_t destination, Dissection& dissection) {
    const auto by_destination =
        std::find_if(kUdpPorts.begin(), kUdpPorts.end(),
                     [&](const auto& row) { return row.port == destination; });
    if (by_destination != kUdpPorts.end()) {
        return hand_on(by_destination->protocol);
    }
    const auto by_source = std::find_if(kUdpPorts.begin(), kUdpPorts.end(), [&](const auto& row) {
        return row.port == source && row.told == Told::by_either;
    });
    return by_source == kUdpPorts.end() ? ignore(dissection, IgnoredReason::protocol_not_tcp)
                                        : hand_on(by_source->protocol);
}

}  // namespace tcpeek
