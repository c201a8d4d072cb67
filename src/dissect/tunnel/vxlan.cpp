// VXLAN (RFC 7348 5): a network identifier, then an Ethernet frame; and its generic protocol
// extension (draft-ietf-nvo3-vxlan-gpe-13 3.2), whose header may name another protocol.
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint8_t kHasIdentifier = 0x08;
constexpr std::uint8_t kHasNextProtocol = 0x04;

}  // namespace

Step dissect_vxlan(ByteReader& reader, Dissection& dissection) {
    const std::uint8_t flags = reader.u8();
    reader.skip(7);
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    if ((flags & kHasIdentifier) == 0) {
        return reject(dissection, Layer::tunnel);
    }
    return enter(dissection, Tunnel::vxlan, dissect_ethernet);
}

Step dissect_vxlan_gpe(ByteReader& reader, Dissection& dissection) {
    const std::uint8_t flags = reader.u8();
    reader.skip(2);
    const std::uint8_t next_protocol = reader.u8();
    reader.skip(4);
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    if ((flags & kHasNextProtocol) == 0) {
        return enter(dissection, Tunnel::vxlan, dissect_ethernet);
    }
    switch (next_protocol) {
        case 1:
            return enter(dissection, Tunnel::vxlan, dissect_ipv4);
        case 2:
            return enter(dissection, Tunnel::vxlan, dissect_ipv6);
        case 3:
            return enter(dissection, Tunnel::vxlan, dissect_ethernet);
        case 5:
            return enter(dissection, Tunnel::vxlan, dissect_mpls);
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace tcpeek
