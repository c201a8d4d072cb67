// A stack of MPLS labels (RFC 3032 2.1), then IP or a pseudo-wire, without anything that names it:
// the first nibble tells them apart (RFC 4928 3), but for Ethernet without a control word.
#include "dissect/layers.h"
#include "dissect/link/guess.h"

namespace tcpeek {

Step dissect_mpls(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint32_t kBottomOfStack = 0x100;
    const std::uint32_t entry = reader.u32();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return hand_on((entry & kBottomOfStack) != 0 ? dissect_mpls_payload : dissect_mpls);
}

Step dissect_mpls_payload(ByteReader& reader, Dissection& dissection) {
    constexpr std::size_t kControlWord = 4;  // RFC 4385 3
    const Bytes rest = reader.rest();
    if (looks_like_ip(rest, wire_octets(reader, dissection))) {
        return hand_on(dissect_raw_ip);
    }
    if (looks_like_ethernet(rest)) {
        return hand_on(dissect_ethernet);
    }
    if (rest.size() > kControlWord && rest.front() >> 4U == 0) {
        reader.skip(kControlWord);
        return hand_on(dissect_ethernet);
    }
    return hand_on(dissect_raw_ip);
}

}  // namespace tcpeek
