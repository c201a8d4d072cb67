#include "dissect/dissect.h"

#include <array>

#include "dissect/layers.h"
#include "dissect/plain_tcp.h"

namespace tcpeek {
namespace {

// Headers inside each other; real stacks have at most a dozen.
constexpr int kMaxHeaders = 32;

}  // namespace

void dissect(const Frame& frame, const DissectOptions& options, Dissected& result) {
    if (options.checksums != ChecksumMode::none || !dissect_plain_tcp(frame, result)) {
        dissect_in_layers(frame, options, result);
    }
}

void dissect_in_layers(const Frame& frame, const DissectOptions& options, Dissected& result) {
    Dissection dissection(frame, options, result);
    ByteReader reader(frame.bytes);
    Step step = by_link_type(frame.link_type, dissection);
    for (int depth = 0; step.next != nullptr; ++depth) {
        if (depth == kMaxHeaders) {
            result = Ignored{IgnoredReason::nesting_too_deep};
            return;
        }
        step = step.next(reader, dissection);
    }
}

Step run_out(Dissection& dissection, Layer layer) {
    if (dissection.first_fragment || dissection.outer_fragment) {
        return ignore(dissection, IgnoredReason::fragment_short);
    }
    return dissection.frame.original_length > dissection.frame.bytes.size()
               ? ignore(dissection, IgnoredReason::packet_cut)
               : reject(dissection, layer);
}

Step enter(Dissection& dissection, Tunnel tunnel, Step::Protocol inner) {
    Encapsulation& encapsulation = dissection.encapsulation;
    if (encapsulation.tunnel_count == Encapsulation::kMaxTunnels) {
        return ignore(dissection, IgnoredReason::nesting_too_deep);
    }
    encapsulation.tunnels[encapsulation.tunnel_count++] = tunnel;
    dissection.outer_fragment = dissection.outer_fragment || dissection.first_fragment;
    dissection.first_fragment = false;
    return hand_on(inner);
}

std::uint32_t wire_octets(const ByteReader& reader, const Dissection& dissection) {
    const std::size_t captured = dissection.frame.bytes.size();
    const std::size_t not_captured = dissection.frame.original_length > captured
                                         ? dissection.frame.original_length - captured
                                         : 0;
    return static_cast<std::uint32_t>(reader.remaining() + not_captured);
}

std::string_view to_string(IgnoredReason reason) {
    static constexpr std::array<std::string_view, kIgnoredReasonCount> kNames{
        "link_type_unknown", "protocol_not_ip",  "protocol_not_tcp",  "fragment_later",
        "fragment_short",    "packet_cut",       "icmp_not_an_error", "icmp_quote_not_tcp",
        "icmp_quote_short",  "encrypted",        "nesting_too_deep",  "checksum_ip_bad",
        "checksum_tcp_bad",  "checksum_icmp_bad"};
    return kNames[static_cast<std::size_t>(reason)];
}

std::string_view to_string(Layer layer) {
    static constexpr std::array<std::string_view, kLayerCount> kNames{
        "link", "vlan", "ipv4", "ipv6", "tcp", "icmp", "tunnel"};
    return kNames[static_cast<std::size_t>(layer)];
}

std::string_view to_string(Tunnel tunnel) {
    static constexpr std::array<std::string_view, 12> kNames{"",     "ipip",   "4in6",   "6in4",
                                                             "6in6", "gre",    "vxlan",  "geneve",
                                                             "gtp",  "erspan", "teredo", "l2tp"};
    return kNames[static_cast<std::size_t>(tunnel)];
}

}  // namespace tcpeek
