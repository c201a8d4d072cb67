// One VLAN tag (IEEE 802.1Q 9.6): priority and identifier, then the next EtherType.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_vlan(ByteReader& reader, Dissection& dissection) {
    const std::uint16_t tag = reader.u16();
    const std::uint16_t ether_type = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::vlan);
    }
    Encapsulation& encapsulation = dissection.encapsulation;
    if (encapsulation.vlan_count < Encapsulation::kMaxVlans) {
        encapsulation.vlans[encapsulation.vlan_count++] = tag & 0x0fffU;
    }
    return by_ether_type(ether_type, dissection);
}

}  // namespace tcpeek
