// VLAN tags of cooked frames. The kernel takes the outermost tag off a packet and keeps it beside
// it; libpcap puts it back into Ethernet frames and the first cooked form, not into SLL2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dissect/frame.h"

namespace tcpeek {

class CookedTags {
  public:
    // For the packet socket of a libpcap handle of link type SLL2; nothing where its ring is of
    // another kind than is known here.
    static std::optional<CookedTags> of(int packet_socket);

    // Puts the tag of a frame back that has one, before what it tagged. `frame.bytes` must lie in
    // the ring; afterwards they may be a copy that is valid until the next call.
    void restore(Frame& frame);

  private:
    explicit CookedTags(std::size_t data_offset) : data_offset_(data_offset) {}

    std::size_t
        data_offset_;  // from the kernel's header of a frame to what follows the SLL2 header
    std::vector<std::uint8_t> copy_;
};

}  // namespace tcpeek
