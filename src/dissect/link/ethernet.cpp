// Ethernet (IEEE 802.3 3.2): a type from 0x0600 on, else the length of what LLC describes.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_ethernet(ByteReader& reader, Dissection& dissection) {
    reader.skip(12);  // destination and source address
    const std::uint16_t type_or_length = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return by_type_or_length(type_or_length, dissection);
}

Step by_type_or_length(std::uint16_t type_or_length, Dissection& dissection) {
    constexpr std::uint16_t kMaxLength = 1500;
    return type_or_length <= kMaxLength ? hand_on(dissect_llc)
                                        : by_ether_type(type_or_length, dissection);
}

}  // namespace tcpeek
