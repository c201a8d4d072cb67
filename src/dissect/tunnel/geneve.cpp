// Geneve (RFC 8926 3.4): options of any length, then what the protocol type says.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_geneve(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint16_t kEthernetBridging = 0x6558;
    const std::uint8_t version_and_length = reader.u8();
    reader.skip(1);  // flags
    const std::uint16_t protocol = reader.u16();
    reader.skip(4);  // network identifier
    reader.skip(std::size_t{version_and_length & 0x3fU} * 4);
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    if (version_and_length >> 6U != 0) {
        return reject(dissection, Layer::tunnel);
    }
    const Step inner = protocol == kEthernetBridging ? hand_on(dissect_ethernet)
                                                     : by_ether_type(protocol, dissection);
    return inner.next == nullptr ? inner : enter(dissection, Tunnel::geneve, inner.next);
}

}  // namespace tcpeek
