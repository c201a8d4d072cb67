// Generic routing encapsulation: RFC 2784, key and sequence of RFC 2890, routing of RFC 1701, and
// the enhanced form that carries PPP (RFC 2637 4.1).
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint16_t kChecksum = 0x8000;
constexpr std::uint16_t kRouting = 0x4000;
constexpr std::uint16_t kKey = 0x2000;
constexpr std::uint16_t kSequence = 0x1000;
constexpr std::uint16_t kAcknowledgment = 0x0080;
constexpr std::uint16_t kVersion = 0x0007;

// Source route entries up to the one without a length (RFC 1701).
void skip_routing(ByteReader& reader) {
    for (std::uint8_t length = 1; length != 0 && reader.ok();) {
        reader.skip(3);  // address family, offset
        length = reader.u8();
        reader.skip(length);
    }
}

Step by_gre_protocol(std::uint16_t protocol, bool has_sequence, Dissection& dissection) {
    switch (protocol) {
        case 0x6558:  // transparent Ethernet bridging
            return enter(dissection, Tunnel::gre, dissect_ethernet);
        case 0x88be:
            // The first kind has neither a sequence number nor a header of its own.
            return has_sequence ? hand_on(dissect_erspan2)
                                : enter(dissection, Tunnel::erspan, dissect_ethernet);
        case 0x22eb:
            return hand_on(dissect_erspan3);
        case 0x880b:
            return enter(dissection, Tunnel::gre, dissect_ppp_hdlc);
    }
    const Step inner = by_ether_type(protocol, dissection);
    return inner.next == nullptr ? inner : enter(dissection, Tunnel::gre, inner.next);
}

}  // namespace

Step dissect_gre(ByteReader& reader, Dissection& dissection) {
    const std::uint16_t flags = reader.u16();
    const std::uint16_t protocol = reader.u16();
    const bool enhanced = (flags & kVersion) == 1;
    if (reader.ok() && (flags & kVersion) > 1) {
        return ignore(dissection, IgnoredReason::protocol_not_tcp);
    }
    if ((flags & (kChecksum | kRouting)) != 0) {
        reader.skip(4);  // checksum, offset
    }
    if ((flags & kKey) != 0) {
        reader.skip(4);
    }
    if ((flags & kSequence) != 0) {
        reader.skip(4);
    }
    if (enhanced && (flags & kAcknowledgment) != 0) {
        reader.skip(4);
    }
    if ((flags & kRouting) != 0) {
        skip_routing(reader);
    }
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    return by_gre_protocol(protocol, (flags & kSequence) != 0, dissection);
}

}  // namespace tcpeek
