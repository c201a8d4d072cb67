// PPPoE session packets (RFC 2516 4), in Ethernet and as a link type of their own.
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

}  // namespace tcpeek
