// Any bytes through the dissector: the first octets choose link type, options and wire length. The
// same frame cut shorter may be judged less often, but never otherwise; and the short way for plain
// frames must say what the layers say.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "dissect/dissect.h"

namespace {

using tcpeek::Dissected;
using tcpeek::IcmpError;
using tcpeek::Ignored;
using tcpeek::Segment;

constexpr std::array<std::uint32_t, 20> kLinkTypes{
    0, 1, 9, 12, 14, 50, 51, 101, 104, 105, 108, 113, 127, 147, 166, 204, 228, 229, 239, 276};

bool same_segment(const Segment& whole, const Segment& cut) {
    return whole.source == cut.source && whole.destination == cut.destination &&
           whole.seq.value == cut.seq.value && whole.ack.value == cut.ack.value &&
           whole.flags.bits == cut.flags.bits && whole.payload_length == cut.payload_length &&
           whole.encapsulation == cut.encapsulation;
}

bool same_error(const IcmpError& whole, const IcmpError& cut) {
    return whole.reporter == cut.reporter && whole.destination == cut.destination &&
           whole.quoted_source == cut.quoted_source &&
           whole.quoted_destination == cut.quoted_destination &&
           whole.quoted_seq.value == cut.quoted_seq.value && whole.type == cut.type &&
           whole.code == cut.code;
}

void check_limits(const tcpeek::Encapsulation& encapsulation) {
    TCPEEK_ASSERT(encapsulation.vlan_count <= tcpeek::Encapsulation::kMaxVlans);
    TCPEEK_ASSERT(encapsulation.tunnel_count <= tcpeek::Encapsulation::kMaxTunnels);
}

bool names_l2tp(const Dissected& dissected) {
    const auto* segment = std::get_if<Segment>(&dissected);
    return segment != nullptr &&
           std::find(segment->encapsulation.tunnels.begin(), segment->encapsulation.tunnels.end(),
                     tcpeek::Tunnel::l2tp) != segment->encapsulation.tunnels.end();
}

// Nothing says what MPLS and L2TP hold: it is guessed from bytes that a cut may take. Radiotap may
// say that four octets at the end are no part of the packet, which in a cut one are not there.
bool is_guessed(const tcpeek::Frame& frame, const Dissected& whole, const Dissected& cut) {
    static constexpr std::array<std::array<std::uint8_t, 2>, 5> kMpls{
        {{0x88, 0x47}, {0x88, 0x48}, {0x02, 0x81}, {0x02, 0x83}, {0x12, 0xb6}}};
    return frame.link_type.number == 127 || names_l2tp(whole) || names_l2tp(cut) ||
           std::any_of(kMpls.begin(), kMpls.end(), [&](const auto& pair) {
               return std::search(frame.bytes.begin(), frame.bytes.end(), pair.begin(),
                                  pair.end()) != frame.bytes.end();
           });
}

void check_cut(const Dissected& whole, const Dissected& cut) {
    if (const auto* segment = std::get_if<Segment>(&whole)) {
        check_limits(segment->encapsulation);
        if (const auto* shorter = std::get_if<Segment>(&cut)) {
            TCPEEK_ASSERT(same_segment(*segment, *shorter));
        }
        TCPEEK_ASSERT(!std::holds_alternative<IcmpError>(cut));
    } else if (const auto* error = std::get_if<IcmpError>(&whole)) {
        check_limits(error->encapsulation);
        if (const auto* shorter = std::get_if<IcmpError>(&cut)) {
            TCPEEK_ASSERT(same_error(*error, *shorter));
        }
        TCPEEK_ASSERT(!std::holds_alternative<Segment>(cut));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) {
        return 0;
    }
    tcpeek::Frame frame;
    frame.link_type = {kLinkTypes[data[0] % kLinkTypes.size()]};
    frame.bytes = tcpeek::Bytes(data, size).subspan(3);
    frame.original_length = static_cast<std::uint32_t>(frame.bytes.size() + data[1]);
    const tcpeek::DissectOptions options{static_cast<tcpeek::ChecksumMode>(data[2] % 3),
                                         (data[2] & 0x80U) != 0};
    const Dissected whole = tcpeek::dissect(frame, options);
    tcpeek::Frame shorter = frame;
    shorter.bytes = frame.bytes.first(frame.bytes.size() * (data[2] / 4U % 32U) / 32U);
    const Dissected cut = tcpeek::dissect(shorter, options);
    if (!is_guessed(frame, whole, cut)) {
        check_cut(whole, cut);
    }
    tcpeek::Dissected in_layers;
    tcpeek::dissect_in_layers(frame, options, in_layers);
    TCPEEK_ASSERT(whole == in_layers);
    return 0;
}
