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
    std::uint32_t link_interface_index = 0;

    // Of the innermost IP header so far.
    IpAddress source;
    IpAddress destination;
    std::uint32_t ip_payload_length = 0;  // octets, as the header says
    bool first_fragment = false;          // and more follow
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
// The captured bytes end inside the header of `layer`: cut by the snapshot length, or damaged.
Step run_out(Dissection& dissection, Layer layer);
// Octets that were on the wire from the reader's position on.
std::uint32_t wire_octets(const ByteReader& reader, const Dissection& dissection);

Step dissect_ethernet(ByteReader& reader, Dissection& dissection);
Step dissect_sll(ByteReader& reader, Dissection& dissection);
Step dissect_sll2(ByteReader& reader, Dissection& dissection);
Step dissect_null(ByteReader& reader, Dissection& dissection);
Step dissect_loop(ByteReader& reader, Dissection& dissection);
Step dissect_raw_ip(ByteReader& reader, Dissection& dissection);
Step dissect_vlan(ByteReader& reader, Dissection& dissection);
Step dissect_mpls(ByteReader& reader, Dissection& dissection);
Step dissect_pppoe(ByteReader& reader, Dissection& dissection);
Step dissect_ppp(ByteReader& reader, Dissection& dissection);
Step dissect_ipv4(ByteReader& reader, Dissection& dissection);
Step dissect_ipv6(ByteReader& reader, Dissection& dissection);
Step dissect_tcp(ByteReader& reader, Dissection& dissection);
Step dissect_icmp(ByteReader& reader, Dissection& dissection);
Step dissect_icmpv6(ByteReader& reader, Dissection& dissection);

// The protocol behind an EtherType, an IP protocol number (an IPv6 next header that is no extension
// header), or a link type; what nobody reads ends the dissection as ignored.
Step by_ether_type(std::uint16_t ether_type, Dissection& dissection);
Step by_ip_protocol(std::uint8_t protocol, Dissection& dissection);
Step by_link_type(LinkType link_type, Dissection& dissection);

}  // namespace tcpeek
