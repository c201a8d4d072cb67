// Guesses for encapsulations that do not name what they carry: MPLS pseudo-wires and L2TPv3.
#pragma once

#include <cstdint>

#include "base/byte_reader.h"

namespace tcpeek {

// Whether an IP packet may begin here: an IPv4 header whose checksum is right, or an IPv6 header
// whose length fits the `on_wire` octets that there were.
bool looks_like_ip(Bytes bytes, std::uint32_t on_wire);

// Whether an Ethernet header begins here, tagged or not, whose type goes with what follows it.
bool looks_like_ethernet(Bytes bytes);

}  // namespace tcpeek
