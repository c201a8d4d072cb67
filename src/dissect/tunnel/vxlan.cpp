// VXLAN (RFC 7348 5): a network identifier, then an Ethernet frame.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_vxlan(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint8_t kHasIdentifier = 0x08;
    const std::uint8_t flags = reader.u8();
    reader.skip(7);
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    if ((flags & kHasIdentifier) == 0) {
        return reject(dissection, Layer::tunnel);
    }
    return enter(dissection, Tunnel::vxlan, dissect_ethernet);
}

}  // namespace tcpeek
