#include "capture/cooked_tags.h"

#include <linux/if_packet.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tcpeek {
namespace {

constexpr std::size_t kSll2Header = 20;
constexpr std::uint16_t kDot1q = 0x8100;

constexpr std::size_t aligned(std::size_t octets) {
    return (octets + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT;
}

std::optional<unsigned> packet_option(int packet_socket, int option) {
    unsigned value = 0;
    socklen_t length = sizeof value;
    return ::getsockopt(packet_socket, SOL_PACKET, option, &value, &length) == 0
               ? std::optional(value)
               : std::nullopt;
}

std::array<std::uint8_t, 2> big_endian(std::uint16_t number) {
    return {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
}

}  // namespace

// Where the data of a cooked socket's frames lie: linux/if_packet.h, "Frame structure", and
// tpacket_rcv in the kernel's net/packet/af_packet.c.
std::optional<CookedTags> CookedTags::of(int packet_socket) {
    constexpr std::size_t kGap = 16;
    const auto version = packet_option(packet_socket, PACKET_VERSION);
    const auto reserve = packet_option(packet_socket, PACKET_RESERVE);
    if (!reserve || version != unsigned{TPACKET_V3}) {
        return std::nullopt;
    }
    const std::size_t header = aligned(sizeof(tpacket3_hdr)) + sizeof(sockaddr_ll);
    return CookedTags(aligned(header) + kGap + *reserve);
}

void CookedTags::restore(Frame& frame) {
    const Bytes bytes = frame.bytes;
    if (bytes.size() < kSll2Header) {
        return;
    }
    // The kernel's header of this frame stands before it in the ring, as far as its size and place
    // agree with it.
    tpacket3_hdr header{};
    std::memcpy(&header, bytes.data() + kSll2Header - data_offset_, sizeof header);
    if (header.tp_mac != data_offset_ || header.tp_snaplen + kSll2Header != bytes.size() ||
        (header.tp_status & TP_STATUS_VLAN_VALID) == 0) {
        return;
    }
    const bool has_tpid = (header.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0;
    const auto tpid = big_endian(has_tpid ? header.hv1.tp_vlan_tpid : kDot1q);
    const auto tci = big_endian(static_cast<std::uint16_t>(header.hv1.tp_vlan_tci));
    const Bytes protocol = bytes.first(2);
    copy_.assign(tpid.begin(), tpid.end());
    const auto append = [this](Bytes more) { copy_.insert(copy_.end(), more.begin(), more.end()); };
    append(bytes.subspan(2, kSll2Header - 2));
    append(tci);
    append(protocol);
    append(bytes.subspan(kSll2Header));
    frame.original_length += static_cast<std::uint32_t>(copy_.size() - bytes.size());
    frame.bytes = copy_;
}

}  // namespace tcpeek
