// IP directly in IP: RFC 2003 (IPv4 in IPv4), RFC 4213 3 (IPv6 in IPv4), RFC 2473 (either in IPv6).
#include "dissect/layers.h"

namespace tcpeek {

Step dissect_ipv4_in_ip(ByteReader&, Dissection& dissection) {
    return enter(dissection, dissection.source.is_v4() ? Tunnel::ipip : Tunnel::ip4in6,
                 dissect_ipv4);
}

Step dissect_ipv6_in_ip(ByteReader&, Dissection& dissection) {
    return enter(dissection, dissection.source.is_v4() ? Tunnel::ip6in4 : Tunnel::ip6in6,
                 dissect_ipv6);
}

}  // namespace tcpeek
