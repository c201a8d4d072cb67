// Turns a segment into an event of one attempt: first the flags (which kind of segment), then the
// numbers, judged as the receiving TCP would judge them.
#pragma once

#include <cstdint>

#include "dissect/dissected.h"
#include "handshake/attempt.h"
#include "handshake/state_table.h"

namespace tcpeek {

// What the control bits make of a segment. RST comes before everything; then SYN.
enum class SegmentKind : std::uint8_t {
    syn,      // SYN without ACK
    synack,   // SYN and ACK
    ack,      // ACK without SYN: with or without data or FIN
    rst,      // RST, whatever else is set
    syn_fin,  // SYN with FIN: no TCP sends it
    no_ack,   // none of SYN, RST, ACK: cannot be valid after the SYN (RFC 9293 3.10.7.4)
};

constexpr SegmentKind kind_of(TcpFlags flags) {
    if (flags.rst()) {
        return SegmentKind::rst;
    }
    if (flags.syn()) {
        if (flags.fin()) {
            return SegmentKind::syn_fin;
        }
        return flags.ack() ? SegmentKind::synack : SegmentKind::syn;
    }
    return flags.ack() ? SegmentKind::ack : SegmentKind::no_ack;
}

// How well a segment's numbers name an attempt; the better fit wins among several of one pair.
enum class Fit : std::uint8_t { none, window, exact };

struct Judgement {
    Event event = Event::s_seg_bad;
    Fit fit = Fit::none;
    std::uint8_t server_isn_index = 0;  // the server ISN meant, where the event names one
};

// The largest window that a SYN can offer: window scaling starts only after it (RFC 7323 2.2).
inline constexpr std::uint32_t kAcceptableOctets = 65'535;

// Judges a segment of `attempt`'s pair of endpoints. `details` is the attempt's or null. The kind
// is none of syn_fin and no_ack.
Judgement judge(const Attempt& attempt, const AttemptDetails* details, const Segment& segment,
                SegmentKind kind);

// Judges an ICMP error that quotes a segment of `attempt`'s pair.
Judgement judge(const Attempt& attempt, const AttemptDetails* details, const IcmpError& error);

// The n-th known server ISN.
SeqNumber server_isn(const Attempt& attempt, const AttemptDetails* details, std::size_t n);

}  // namespace tcpeek
