// How long a packet in a capture file may be. libpcap has the same limits, so that both take the
// same files for damaged.
#pragma once

#include <cstdint>

#include "dissect/frame.h"

namespace tcpeek {

// The longest captured packet, in octets, that is taken for one and not for a damaged length.
std::uint32_t largest_packet(LinkType link_type);

// The snapshot length that a file states, where 0 and values beyond 2^31-1 mean "no limit".
std::uint32_t effective_snapshot_length(LinkType link_type, std::uint32_t stated);

}  // namespace tcpeek
