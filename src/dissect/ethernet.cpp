// Ethernet II (IEEE 802.3 3.2).
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_ethernet(ByteReader& reader, Dissection& dissection) {
    reader.skip(12);  // destination and source address
    const std::uint16_t type_or_length = reader.u16();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return by_ether_type(type_or_length, dissection);
}

}  // namespace tcpeek
