// Which packets a packet socket takes, and how much of each: the filter at the socket itself.
#pragma once

#include <cstdint>
#include <optional>

#include "capture/kernel_filter.h"

namespace tcpeek {

struct SocketFilterPlan {
    std::uint32_t snapshot_length = 0;
    bool sees_loopback = false;
    // What packets begin with at the socket; nothing where neither filter knows the link type.
    std::optional<PacketStart> start;
    const KernelFilter* kernel_filter = nullptr;
    // Without a kernel filter: leave out what certainly is neither TCP nor a tunnel.
    bool classic = false;
};

// Only a socket filter cuts packets before they are copied to the ring; libpcap's own snapshot
// length cuts afterwards. On the loopback interface each packet is seen twice, on its way out and
// in; the first is left out, as libpcap would do later. Never fails: with less of a filter the
// ring only holds more than is looked at.
void attach_socket_filter(int socket, const SocketFilterPlan& plan);

// From here on the socket takes nothing.
void attach_filter_that_drops_all(int socket);

}  // namespace tcpeek
