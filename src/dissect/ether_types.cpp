// EtherTypes (IEEE 802 numbers) that lead to TCP.
#include "dissect/layers.h"

namespace tcpeek {

Step by_ether_type(std::uint16_t ether_type, Dissection& dissection) {
    switch (ether_type) {
        case 0x0800:
            return hand_on(dissect_ipv4);
        case 0x86dd:
            return hand_on(dissect_ipv6);
        case 0x8100:  // 802.1Q
        case 0x88a8:  // 802.1ad
        case 0x9100:  // stacked tags before 802.1ad
        case 0x9200:
        case 0x9300:
            return hand_on(dissect_vlan);
        case 0x88e7:
            return hand_on(dissect_service_instance);
        case 0x8870:  // LLC in a frame that is too long for a length field
            return hand_on(dissect_llc);
        case 0x8847:
        case 0x8848:
            return hand_on(dissect_mpls);
        case 0x8864:
            return hand_on(dissect_pppoe);
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace tcpeek
