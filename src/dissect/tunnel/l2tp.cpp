// L2TPv3 over IP (RFC 3931 4.1.1) with Ethernet inside. The length of the cookie and whether there
// is a sublayer were agreed when the session was set up: the frame is where IP can be read.
#include "dissect/layers.h"
#include "dissect/link/guess.h"

namespace tcpeek {

Step dissect_l2tp(ByteReader& reader, Dissection& dissection) {
    const std::uint32_t session = reader.u32();
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    if (session == 0) {  // a control message
        return ignore(dissection, IgnoredReason::protocol_not_tcp);
    }
    // A cookie of 0, 4 or 8 octets, then a sublayer of 0 or 4.
    for (const std::size_t before : {0U, 4U, 8U, 12U}) {
        if (reader.remaining() > before && looks_like_ethernet(reader.rest().subspan(before))) {
            reader.skip(before);
            return enter(dissection, Tunnel::l2tp, dissect_ethernet);
        }
    }
    return ignore(dissection, IgnoredReason::protocol_not_tcp);
}

}  // namespace tcpeek
