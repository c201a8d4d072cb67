// PPPoE session packets (RFC 2516 4) and the PPP protocol field inside (RFC 1661 2).
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_pppoe(ByteReader& reader, Dissection& dissection) {
    const std::uint8_t version_and_type = reader.u8();
    const std::uint8_t code = reader.u8();
    reader.skip(4);  // session identifier, length
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (version_and_type != 0x11) {
        return reject(dissection, Layer::link);
    }
    if (code != 0) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    return hand_on(dissect_ppp);
}

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
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace tcpeek
