// IEEE 802.2 LLC with the SNAP extension (IEEE 802 9.5; RFC 1042): what follows is an EtherType.
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint16_t kSnapSaps = 0xaaaa;
constexpr std::uint8_t kUnnumberedInformation = 0x03;
constexpr std::uint32_t kRfc1042 = 0x000000;  // organisation codes whose protocols are EtherTypes
constexpr std::uint32_t kBridgeTunnel = 0x0000f8;  // IEEE 802.1H

}  // namespace

Step dissect_llc(ByteReader& reader, Dissection& dissection) {
    const std::uint16_t saps = reader.u16();
    const std::uint8_t control = reader.u8();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (saps != kSnapSaps || control != kUnnumberedInformation) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    const std::uint8_t organisation_high = reader.u8();
    const std::uint32_t organisation = std::uint32_t{organisation_high} << 16U | reader.u16();
    const std::uint16_t ether_type = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (organisation != kRfc1042 && organisation != kBridgeTunnel) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    return by_ether_type(ether_type, dissection);
}

}  // namespace tcpeek
