// Mirrored frames in GRE (draft-foschiano-erspan-03 4.2, 4.3): types II and III.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_erspan2(ByteReader& reader, Dissection& dissection) {
    reader.skip(8);
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    return enter(dissection, Tunnel::erspan, dissect_ethernet);
}

Step dissect_erspan3(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint16_t kPlatformSubheader = 0x0001;
    constexpr std::uint16_t kFrameTypeIp = 2;
    reader.skip(10);  // version, VLAN, session; timestamp; security group tag
    const std::uint16_t type_and_options = reader.u16();
    if ((type_and_options & kPlatformSubheader) != 0) {
        reader.skip(8);
    }
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    const std::uint16_t frame_type = type_and_options >> 10U & 0x1fU;
    return enter(dissection, Tunnel::erspan,
                 frame_type == kFrameTypeIp ? dissect_raw_ip : dissect_ethernet);
}

}  // namespace tcpeek
