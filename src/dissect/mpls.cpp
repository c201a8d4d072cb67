// A stack of MPLS labels (RFC 3032 2.1), then IP without anything that names it.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_mpls(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint32_t kBottomOfStack = 0x100;
    const std::uint32_t entry = reader.u32();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return (entry & kBottomOfStack) != 0 ? hand_on(dissect_raw_ip) : hand_on(dissect_mpls);
}

}  // namespace tcpeek
