// The Authentication Header (RFC 4302 2) behind IPv4; behind IPv6 it is one of the extension
// headers.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_authentication_header(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint32_t kLeastLength = 12;
    const std::uint8_t next_header = reader.u8();
    const std::uint32_t length = (std::uint32_t{reader.u8()} + 2) * 4;
    reader.skip(length - 2);
    if (!reader.ok()) {
        return run_out(dissection, Layer::ipv4);
    }
    if (length < kLeastLength || length > dissection.ip_payload_length) {
        return reject(dissection, Layer::ipv4);
    }
    dissection.ip_payload_length -= length;
    return by_ip_protocol(next_header, dissection);
}

}  // namespace tcpeek
