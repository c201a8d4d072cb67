// What the tests of the tracker share.
#pragma once

#include <cstdint>

#include "dissect/dissected.h"

namespace tcpeek {

inline Segment segment_between(const Endpoint& source, const Endpoint& destination,
                               std::uint8_t flags, std::uint32_t seq, std::uint32_t ack) {
    Segment segment;
    segment.source = source;
    segment.destination = destination;
    segment.flags = {flags};
    segment.seq = {seq};
    segment.ack = {ack};
    return segment;
}

}  // namespace tcpeek
