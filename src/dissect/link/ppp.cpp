// PPP (RFC 1661 2), alone or in HDLC-like framing (RFC 1662 3.1), and Cisco's HDLC
// (https://www.tcpdump.org/linktypes/LINKTYPE_C_HDLC.html), which may come on the same lines.
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint8_t kAllStations = 0xff;
constexpr std::uint8_t kUnnumberedInformation = 0x03;
constexpr std::uint8_t kCiscoUnicast = 0x0f;
constexpr std::uint8_t kCiscoMulticast = 0x8f;

}  // namespace

Step dissect_ppp(ByteReader& reader, Dissection& dissection) {
    // An odd first octet is the whole field, compressed (RFC 1661 6.5).
    std::uint16_t protocol = reader.u8();
    if ((protocol & 1U) == 0) {
        protocol = static_cast<std::uint16_t>(protocol << 8U | reader.u8());
    }
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    switch (protocol) {
        case 0x0021:
            return hand_on(dissect_ipv4);
        case 0x0057:
            return hand_on(dissect_ipv6);
        case 0x0281:
        case 0x0283:
            return hand_on(dissect_mpls);
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

// Address and control may have been compressed away (RFC 1661 6.6); 0xff is no protocol.
Step dissect_ppp_hdlc(ByteReader& reader, Dissection& dissection) {
    const Bytes rest = reader.rest();
    if (rest.empty()) {
        return run_out(dissection, Layer::link);
    }
    switch (rest.front()) {
        case kAllStations:
            reader.skip(2);
            return hand_on(dissect_ppp);
        case kCiscoUnicast:
        case kCiscoMulticast:
            return hand_on(dissect_cisco_hdlc);
    }
    return hand_on(dissect_ppp);
}

// An octet for the direction stands before the frame or in place of the address.
Step dissect_ppp_with_direction(ByteReader& reader, Dissection& dissection) {
    reader.skip(1);
    const Bytes rest = reader.rest();
    if (rest.empty()) {
        return run_out(dissection, Layer::link);
    }
    if (rest.front() == kUnnumberedInformation) {
        reader.skip(1);
        return hand_on(dissect_ppp);
    }
    return hand_on(dissect_ppp_hdlc);
}

Step dissect_cisco_hdlc(ByteReader& reader, Dissection& dissection) {
    reader.skip(2);  // address, control
    const std::uint16_t ether_type = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return by_ether_type(ether_type, dissection);
}

}  // namespace tcpeek
