// IP protocol numbers that lead to TCP or to errors about it.
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
        case 50:  // ESP
            return ignore(dissection, IgnoredReason::encrypted);
    }
    return ignore(dissection, IgnoredReason::protocol_not_tcp);
}

}  // namespace tcpeek
