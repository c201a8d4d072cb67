// UDP (RFC 768), for the tunnels that it carries: the port says which.
#include <algorithm>

#include "dissect/layers.h"

namespace tcpeek {

Step dissect_udp(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint16_t kHeader = 8;
    const std::uint16_t source_port = reader.u16();
    const std::uint16_t destination_port = reader.u16();
    const std::uint16_t length = reader.u16();
    reader.skip(2);  // checksum
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    const Step tunnel = by_udp_ports(source_port, destination_port, dissection);
    // Segmentation offload may leave 0, or more than there is.
    if (tunnel.next != nullptr && length >= kHeader) {
        const Bytes rest = reader.rest();
        reader = ByteReader(rest.first(std::min<std::size_t>(rest.size(), length - kHeader)));
    }
    return tunnel;
}

}  // namespace tcpeek
