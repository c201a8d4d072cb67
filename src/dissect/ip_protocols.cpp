// IP protocol numbers that lead to TCP, to errors about it, or into a tunnel.
#include "dissect/layers.h"

namespace tcpeek {

Step by_ip_protocol(std::uint8_t protocol, Dissection& dissection) {
    switch (protocol) {
        case 6:
            return hand_on(dissect_tcp);
        case 1:
            if (dissection.options.icmp && dissection.source.is_v4()) {
                return hand_on(dissect_icmp);
            }
            break;
        case 58:
            if (dissection.options.icmp && !dissection.source.is_v4()) {
                return hand_on(dissect_icmpv6);
            }
            break;
        case 17:
            return hand_on(dissect_udp);
        case 4:
            return hand_on(dissect_ipv4_in_ip);
        case 41:
            return hand_on(dissect_ipv6_in_ip);
        case 47:
            return hand_on(dissect_gre);
        case 51:
            return hand_on(dissect_authentication_header);
        case 115:
            return hand_on(dissect_l2tp);
        case 50:  // ESP
            return ignore(dissection, IgnoredReason::encrypted);
    }
    return ignore(dissection, IgnoredReason::protocol_not_tcp);
}

}  // namespace tcpeek
