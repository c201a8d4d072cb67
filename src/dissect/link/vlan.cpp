// One VLAN tag (IEEE 802.1Q 9.6): priority and identifier, then the next EtherType; and the service
// instance tag of a provider backbone (IEEE 802.1Q 9.7, once 802.1ah), which holds a whole frame.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_vlan(ByteReader& reader, Dissection& dissection) {
    const std::uint16_t tag = reader.u16();
    const std::uint16_t type_or_length = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::vlan);
    }
    Encapsulation& encapsulation = dissection.encapsulation;
    if (encapsulation.vlan_count == Encapsulation::kMaxVlans) {
        return ignore(dissection, IgnoredReason::nesting_too_deep);
    }
    encapsulation.vlans[encapsulation.vlan_count++] = tag & 0x0fffU;
    return by_type_or_length(type_or_length, dissection);
}

Step dissect_service_instance(ByteReader& reader, Dissection& dissection) {
    reader.skip(4);  // priority and service instance identifier
    if (!reader.ok()) {
        return run_out(dissection, Layer::vlan);
    }
    return hand_on(dissect_ethernet);
}

}  // namespace tcpeek
