// What a frame turned out to be: a TCP segment, an ICMP error that quotes one, something else, or
// damaged. All numbers are in host order.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "net/endpoint.h"
#include "net/seq_number.h"
#include "net/tcp_flags.h"

namespace tcpeek {

// Tunnels around the innermost IP header, by the names that users read.
enum class Tunnel : std::uint8_t {
    none,
    ipip,
    ip4in6,
    ip6in4,
    ip6in6,
    gre,
    vxlan,
    geneve,
    gtp,
    erspan,
    teredo,
    l2tp,
};

// What lay around the innermost IP header, outermost first. A frame with more tags or tunnels than
// there is room for here is ignored as nested too deep.
struct Encapsulation {
    static constexpr std::size_t kMaxVlans = 8;
    static constexpr std::size_t kMaxTunnels = 6;

    std::array<std::uint16_t, kMaxVlans> vlans{};  // VLAN identifiers, 0..4095
    std::array<Tunnel, kMaxTunnels> tunnels{};
    std::uint8_t vlan_count = 0;
    std::uint8_t tunnel_count = 0;

    friend bool operator==(const Encapsulation&, const Encapsulation&) = default;
};

// The timestamps option (RFC 7323 3.2).
struct TcpTimestamps {
    std::uint32_t value = 0;  // TSval
    std::uint32_t echo = 0;   // TSecr

    friend bool operator==(const TcpTimestamps&, const TcpTimestamps&) = default;
};

// One TCP segment, with what judgement needs of the IP header around it.
struct Segment {
    Endpoint source;
    Endpoint destination;
    SeqNumber seq;
    SeqNumber ack;  // meaningful only with the ACK flag
    TcpFlags flags;
    bool has_ip_id = false;  // IPv4 only
    std::uint16_t ip_id = 0;
    std::uint32_t payload_length =
        0;  // octets of TCP payload as the IP header tells, not as captured
    // What most segments lack stands together, to be cleared in few pieces.
    bool has_timestamps = false;
    bool checksum_unverified = false;  // asked for, but the packet was cut
    TcpTimestamps timestamps;
    Encapsulation encapsulation;

    friend bool operator==(const Segment&, const Segment&) = default;
};

// An ICMP or ICMPv6 error that quotes the head of a TCP segment (RFC 792, RFC 4443).
struct IcmpError {
    IpAddress reporter;     // source of the error
    IpAddress destination;  // to whom the error is addressed
    std::uint8_t type = 0;
    std::uint8_t code = 0;
    Endpoint quoted_source;
    Endpoint quoted_destination;
    SeqNumber quoted_seq;
    Encapsulation encapsulation;

    friend bool operator==(const IcmpError&, const IcmpError&) = default;
};

// Why a frame that is well formed as far as it was read is of no interest.
enum class IgnoredReason : std::uint8_t {
    link_type_unknown,   // no dissector for this link type
    protocol_not_ip,     // ARP, LLDP, ...
    protocol_not_tcp,    // IP, but neither TCP nor an ICMP error that is looked at
    fragment_later,      // not the first fragment of its datagram
    fragment_short,      // first fragment without the whole TCP header
    packet_cut,          // cut by the snapshot length before the headers end
    icmp_not_an_error,   // echo, redirect, neighbour discovery, packet too big, ...
    icmp_quote_not_tcp,  // the quoted packet is not TCP
    icmp_quote_short,    // fewer than 8 octets of TCP are quoted
    encrypted,           // an ESP header hides what follows
    nesting_too_deep,    // more headers inside each other than the limit
    checksum_ip_bad,
    checksum_tcp_bad,
    checksum_icmp_bad,
};
inline constexpr std::size_t kIgnoredReasonCount = 14;

// The layer whose header contradicts itself or the bytes there are.
enum class Layer : std::uint8_t { link, vlan, ipv4, ipv6, tcp, icmp, tunnel };
inline constexpr std::size_t kLayerCount = 7;

struct Ignored {
    IgnoredReason why;

    friend bool operator==(const Ignored&, const Ignored&) = default;
};
struct Malformed {
    Layer layer;

    friend bool operator==(const Malformed&, const Malformed&) = default;
};

using Dissected = std::variant<Segment, IcmpError, Ignored, Malformed>;

// The names under which users see these (lower case, underscores).
std::string_view to_string(IgnoredReason reason);
std::string_view to_string(Layer layer);
std::string_view to_string(Tunnel tunnel);

}  // namespace tcpeek
