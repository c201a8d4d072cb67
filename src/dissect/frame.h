// A captured frame as a source hands it over: borrowed bytes and what is known about them. This
// header is the only part of `dissect` that `capture` may include.
#pragma once

#include <compare>
#include <cstdint>

#include "base/byte_reader.h"
#include "base/timestamp.h"

namespace tcpeek {

// A LINKTYPE_ number as capture files carry it (https://www.tcpdump.org/linktypes.html).
struct LinkType {
    std::uint32_t number = 0;

    friend constexpr auto operator<=>(LinkType, LinkType) = default;
};

// Index into the list of interface names that the sources of one run share; `none()` where the
// interface is not known (pcap files).
struct InterfaceId {
    std::uint16_t index = UINT16_MAX;

    static constexpr InterfaceId none() { return {}; }
    friend constexpr auto operator<=>(InterfaceId, InterfaceId) = default;
};

// `bytes` belongs to the source and is valid until the source is asked for its next frame.
struct Frame {
    Bytes bytes;                        // what was captured, from the link header on
    std::uint32_t original_length = 0;  // octets on the wire, at least bytes.size() in good files
    Timestamp time;                     // the packet's own time, unchanged
    LinkType link_type;
    InterfaceId interface;
};

}  // namespace tcpeek
