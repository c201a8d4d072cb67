// What the protocol files of the dissector share: the state of one dissection, and one function per
// protocol. A protocol reads its own header and names the next one; the loop in dissect.cpp hands
// on and bounds the nesting, so that depth and the unknown are handled once.
#pragma once

#include <cstdint>

#include "base/byte_reader.h"
#include "dissect/dissect.h"

namespace tcpeek {

// One dissection. The reader that goes with it stands at the header that is read next.
struct Dissection {
    Dissection(const Frame& the_frame, const DissectOptions& the_options, Dissected& the_result)
        : frame(the_frame), options(the_options), result(the_result) {}

    const Frame& frame;
    const DissectOptions& options;
    Dissected& result;  // what the last protocol makes of the frame

    Encapsulation encapsulation;

    // Of the innermost IP header so far.
    IpAddress source;
    IpAddress destination;
    std::uint32_t ip_payload_length = 0;  // octets, as the header says
    bool first_fragment = false;          // and more follow
    bool outer_fragment = false;          // so was one of the headers around it
    bool has_ip_id = false;
    std::uint16_t ip_id = 0;
};

// The protocol that reads on, or the end of the dissection with its result.
struct Step {
    using Protocol = Step (*)(ByteReader&, Dissection&);

    Protocol next = nullptr;
};

inline Step hand_on(Step::Protocol protocol) {
    return {protocol};
}
inline Step finish() {
    return {};
}
inline Step ignore(Dissection& dissection, IgnoredReason reason) {
    dissection.result = Ignored{reason};
    return finish();
}
inline Step reject(Dissection& dissection, Layer layer) {
    dissection.result = Malformed{layer};
    return finish();
}
// The captured bytes end inside the header of `layer`: cut by the snapshot length, the rest in
// later fragments, or damaged.
Step run_out(Dissection& dissection, Layer layer);
// What follows lies inside `tunnel`.
Step enter(Dissection& dissection, Tunnel tunnel, Step::Protocol inner);
// Octets that were on the wire from the reader's position on.
std::uint32_t wire_octets(const ByteReader& reader, const Dissection& dissection);

// link/
Step dissect_ethernet(ByteReader& reader, Dissection& dissection);
Step dissect_llc(ByteReader& reader, Dissection& dissection);
Step dissect_vlan(ByteReader& reader, Dissection& dissection);
Step dissect_service_instance(ByteReader& reader, Dissection& dissection);
Step dissect_mpls(ByteReader& reader, Dissection& dissection);
Step dissect_mpls_payload(ByteReader& reader, Dissection& dissection);
Step dissect_sll(ByteReader& reader, Dissection& dissection);
Step dissect_sll2(ByteReader& reader, Dissection& dissection);
Step dissect_null(ByteReader& reader, Dissection& dissection);
Step dissect_loop(ByteReader& reader, Dissection& dissection);
Step dissect_raw_ip(ByteReader& reader, Dissection& dissection);
Step dissect_pppoe(ByteReader& reader, Dissection& dissection);
Step dissect_ppp(ByteReader& reader, Dissection& dissection);
Step dissect_ppp_hdlc(ByteReader& reader, Dissection& dissection);
Step dissect_ppp_with_direction(ByteReader& reader, Dissection& dissection);
Step dissect_cisco_hdlc(ByteReader& reader, Dissection& dissection);
Step dissect_nflog(ByteReader& reader, Dissection& dissection);
Step dissect_ieee80211(ByteReader& reader, Dissection& dissection);
Step dissect_radiotap(ByteReader& reader, Dissection& dissection);

// ip/
Step dissect_ipv4(ByteReader& reader, Dissection& dissection);
Step dissect_ipv6(ByteReader& reader, Dissection& dissection);
Step dissect_authentication_header(ByteReader& reader, Dissection& dissection);
Step dissect_udp(ByteReader& reader, Dissection& dissection);
Step dissect_tcp(ByteReader& reader, Dissection& dissection);
Step dissect_icmp(ByteReader& reader, Dissection& dissection);
Step dissect_icmpv6(ByteReader& reader, Dissection& dissection);

// tunnel/
Step dissect_ipv4_in_ip(ByteReader& reader, Dissection& dissection);
Step dissect_ipv6_in_ip(ByteReader& reader, Dissection& dissection);
Step dissect_gre(ByteReader& reader, Dissection& dissection);
Step dissect_erspan2(ByteReader& reader, Dissection& dissection);
Step dissect_erspan3(ByteReader& reader, Dissection& dissection);
Step dissect_vxlan(ByteReader& reader, Dissection& dissection);
Step dissect_vxlan_gpe(ByteReader& reader, Dissection& dissection);
Step dissect_geneve(ByteReader& reader, Dissection& dissection);
Step dissect_gtp(ByteReader& reader, Dissection& dissection);
Step dissect_teredo(ByteReader& reader, Dissection& dissection);
Step dissect_l2tp(ByteReader& reader, Dissection& dissection);

// The protocol behind an EtherType (or an IEEE 802.3 length), an IP protocol number (an IPv6 next
// header that is no extension header), a pair of UDP ports, or a link type; what nobody reads ends
// the dissection as ignored.
Step by_ether_type(std::uint16_t ether_type, Dissection& dissection);
Step by_type_or_length(std::uint16_t type_or_length, Dissection& dissection);
Step by_ip_protocol(std::uint8_t protocol, Dissection& dissection);
Step by_udp_ports(std::uint16_t source, std::uint16_t destination, Dissection& dissection);
Step by_link_type(LinkType link_type, Dissection& dissection);

}  // namespace tcpeek
