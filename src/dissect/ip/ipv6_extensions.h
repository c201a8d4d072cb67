// The chain of IPv6 extension headers (RFC 8200 4), of packets and of what ICMPv6 quotes.
#pragma once

#include <cstdint>
#include <optional>

#include "base/byte_reader.h"

namespace tcpeek {

struct Ipv6Chain {
    enum class End : std::uint8_t {
        protocol,      // `protocol` is the first header that is no extension header
        out_of_bytes,  // the bytes end inside the chain
        later_fragment,
        encrypted,
        too_long,  // more extension headers than the limit
    };

    End end = End::protocol;
    std::uint8_t protocol = 0;
    bool first_fragment = false;                // and more follow
    std::optional<std::uint32_t> jumbo_length;  // payload length of a jumbogram (RFC 2675 2)
    // The ends as TCP knows them, where they are not those of the header: 16 octets of the packet
    // each, or none. The destination behind the segments that are left (RFC 8200 4.4, 8.1), and the
    // home address of a mobile source (RFC 6275 6.3).
    Bytes final_destination;
    Bytes home_address;
};

// Moves `reader` behind the chain that begins with `next_header`.
Ipv6Chain walk_ipv6_chain(ByteReader& reader, std::uint8_t next_header);

}  // namespace tcpeek
