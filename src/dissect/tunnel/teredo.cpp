// Teredo (RFC 4380 5.1.1): IPv6 in UDP, with an authentication and an origin indication before it.
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_teredo(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint8_t kAuthentication = 1;
    constexpr std::uint8_t kOrigin = 0;
    const auto next_is = [&](std::uint8_t indicator) {
        const Bytes rest = reader.rest();
        return rest.size() >= 2 && rest[0] == 0 && rest[1] == indicator;
    };
    if (next_is(kAuthentication)) {
        reader.skip(2);
        const std::uint8_t client_identifier = reader.u8();
        const std::uint8_t authentication = reader.u8();
        reader.skip(std::size_t{client_identifier} + authentication);
        reader.skip(9);  // nonce, confirmation
    }
    if (next_is(kOrigin)) {
        reader.skip(8);
    }
    if (!reader.ok() || reader.remaining() == 0) {
        return run_out(dissection, Layer::tunnel);
    }
    if (reader.rest().front() >> 4U != 6) {
        return ignore(dissection, IgnoredReason::protocol_not_tcp);
    }
    return enter(dissection, Tunnel::teredo, dissect_ipv6);
}

}  // namespace tcpeek
