// BSD loopback encapsulations: an address family in four octets, in the byte order of the host that
// captured (NULL) or of the network (LOOP).
#include "dissect/layers.h"

namespace tcpeek {
namespace {

Step by_address_family(std::uint32_t family, const ByteReader& reader, Dissection& dissection) {
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    switch (family) {
        case 2:  // AF_INET everywhere
            return hand_on(dissect_ipv4);
        case 10:  // AF_INET6 of Linux
        case 24:  // NetBSD, OpenBSD, BSD/OS
        case 28:  // FreeBSD, DragonFly
        case 30:  // Darwin
            return hand_on(dissect_ipv6);
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace

Step dissect_null(ByteReader& reader, Dissection& dissection) {
    const std::uint32_t family = reader.u32();
    // Families are small numbers: large ones were written in the other byte order.
    return by_address_family(family > 0xffff ? __builtin_bswap32(family) : family, reader,
                             dissection);
}

Step dissect_loop(ByteReader& reader, Dissection& dissection) {
    const std::uint32_t family = reader.u32();
    return by_address_family(family, reader, dissection);
}

}  // namespace tcpeek
