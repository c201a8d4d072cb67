#include "handshake/state_table.h"

#include "base/assert.h"

namespace tcpeek {
namespace {

constexpr Action NEW = Action::start_attempt;
constexpr Action DUP = Action::count_dup_syn;
constexpr Action SUP = Action::supersede;
constexpr Action CRO = Action::cross;
constexpr Action SAK = Action::accept_synack;
constexpr Action DSA = Action::count_dup_synack;
constexpr Action ISN = Action::add_server_isn;
constexpr Action KEP = Action::keep_client_ack;
constexpr Action CHL = Action::note_challenge;
constexpr Action SUC = Action::succeed;
constexpr Action UNS = Action::succeed_unseen;
constexpr Action SLF = Action::succeed_self;
constexpr Action XCA = Action::cross_client_ack;
constexpr Action XCS = Action::cross_client_synack;
constexpr Action XSA = Action::cross_server_ack;
constexpr Action XSS = Action::cross_synack;
constexpr Action REF = Action::refuse;
constexpr Action RES = Action::reset;
constexpr Action ABO = Action::abort_attempt;
constexpr Action UNR = Action::unreach;
constexpr Action EVI = Action::keep_icmp;
constexpr Action HLD = Action::hold_synack;
constexpr Action EXP = Action::time_out;
constexpr Action PEN = Action::end_pending;
constexpr Action REV = Action::revive;
constexpr Action FOR = Action::forget;
constexpr Action UAC = Action::check_unaccepted;
constexpr Action RSE = Action::server_reset_early;
constexpr Action RCE = Action::client_reset_early;
constexpr Action ___ = Action::nothing;
constexpr Action MID = Action::ignore_mid_stream;
constexpr Action BAD = Action::ignore_unfit;
constexpr Action USE = Action::ignore_useless;
constexpr Action IAS = Action::ignore_after_success;
constexpr Action ISS = Action::ignore_syn_after_success;
constexpr Action IAU = Action::ignore_after_unjudged;
constexpr Action IAF = Action::ignore_after_failure;

// One row an event, one column a state, in the order of the enums. A segment becomes an event only
// after its numbers were compared with those of the attempt, so a cell says what *valid* (or
// expressly invalid) numbers mean. Names: NEW start, DUP/DSA count a retransmission, BAD numbers do
// not fit, USE fit but say nothing, HLD hold for reordering, MID mid-stream, IA* after a verdict.
constexpr std::array<std::array<Action, kStateCount>, kEventCount> kTable{{
    //                 none snt  rcv  crs  fsnt frcv fcrs succ unju
    /* c_syn_same    */ {NEW, DUP, DUP, DUP, REV, REV, REV, ISS, IAU},
    // The same ISN is the same connect (RFC 9293 3.8.1): before the verdict a retransmission, after
    // a failure a retry that is remembered longer and may still complete.
    /* c_syn_other   */ {NEW, SUP, SUP, SUP, NEW, NEW, NEW, NEW, NEW},
    // pending -> failed_*, cause superseded: a client has one attempt at a time on its ports.
    /* s_syn         */ {NEW, CRO, USE, USE, NEW, NEW, NEW, NEW, NEW},
    // syn_sent -> crossed: simultaneous open (RFC 9293 3.5, figure 8). Later than a SYN/ACK it says
    // nothing.
    /* s_synack_new  */ {HLD, SAK, ISN, XSS, SAK, ISN, XSS, IAS, IAU},
    // syn_sent -> syn_received: it acknowledges the SYN (RFC 9293 3.10.7.3, first check).
    // syn_received keeps another ISN too, since the client may acknowledge either answer.
    /* s_synack_seen */ {HLD, BAD, DSA, DSA, BAD, DSA, DSA, UAC, IAU},
    // The server did not get the final ACK, or has no room to accept (unaccepted).
    /* s_synack_5th  */ {HLD, BAD, USE, USE, BAD, USE, USE, IAS, IAU},
    // Bounded memory: four answers to one SYN are kept.
    /* s_synack_bad  */ {HLD, HLD, HLD, HLD, HLD, HLD, HLD, HLD, HLD},
    // Belongs to an attempt whose SYN comes out of order, or to none: held, then counted.
    /* c_synack_new  */ {HLD, BAD, BAD, XCS, BAD, BAD, XCS, IAS, IAU},
    // crossed: the client acknowledges the server's SYN (RFC 9293 3.10.7.3, fourth check).
    /* c_synack_seen */ {HLD, BAD, BAD, DSA, BAD, BAD, DSA, IAS, IAU},
    /* c_synack_bad  */ {HLD, HLD, HLD, HLD, HLD, HLD, HLD, HLD, HLD},
    // A SYN/ACK of the client answers a SYN that is not there: held like one of the server.
    /* self_synack   */ {HLD, SLF, SLF, SLF, SLF, SLF, SLF, IAS, IAU},
    // pending -> succeeded: both ends are one, its SYN/ACK acknowledges its own SYN.
    /* c_ack_fits    */ {MID, BAD, SUC, XCA, BAD, SUC, XCA, IAS, IAU},
    // syn_received -> succeeded: the client is ESTABLISHED. Data or FIN in it changes nothing.
    /* c_ack_open    */ {MID, KEP, BAD, BAD, KEP, BAD, BAD, IAS, IAU},
    // syn_sent keeps the ack: the client has seen a SYN/ACK that the capture has not. With a known
    // server ISN it is an ACK of something never sent (RFC 5961 5.2).
    /* c_ack_bad     */ {MID, BAD, BAD, BAD, BAD, BAD, BAD, IAS, IAU},
    /* s_seg_proof   */ {MID, CHL, SUC, XSA, BAD, SUC, XSA, IAS, IAU},
    // syn_received -> succeeded: the server took a segment that the capture has not seen.
    /* s_seg_vouch   */ {MID, UNS, BAD, BAD, UNS, BAD, BAD, IAS, IAU},
    // syn_sent -> succeeded: the client acknowledged what the server now sends on from.
    /* s_seg_plain   */ {MID, CHL, USE, XSA, BAD, USE, XSA, IAS, IAU},
    // A bare ACK or FIN with the SYN/ACK's own ack may have been sent before any ACK arrived.
    /* s_seg_bad     */ {MID, CHL, BAD, BAD, BAD, BAD, BAD, IAS, IAU},
    // syn_sent: a challenge ACK (RFC 5961 4.2), the server holds an older connection.
    /* s_rst_isn     */ {MID, BAD, RES, RES, BAD, IAF, IAF, RSE, IAU},
    // syn_received -> failed_received: exactly the next sequence number (RFC 5961 3.2).
    /* s_rst_ack     */ {MID, REF, RES, RES, IAF, IAF, IAF, IAS, IAU},
    // syn_sent -> failed_sent: the ACK field acknowledges the SYN (RFC 9293 3.10.7.3, second
    // check).
    /* s_rst_bad     */ {MID, BAD, BAD, BAD, BAD, BAD, BAD, IAS, IAU},
    // A blind reset makes no verdict.
    /* c_rst_isn     */ {MID, ABO, ABO, ABO, IAF, IAF, IAF, RCE, IAU},
    /* c_rst_data    */ {MID, ABO, ABO, ABO, IAF, IAF, IAF, IAS, IAU},
    // pending -> failed_*: the client gave up itself (or knows nothing of the SYN).
    /* c_rst_bad     */ {MID, BAD, BAD, BAD, BAD, BAD, BAD, IAS, IAU},
    // Among them the client's answer to a challenge ACK, whose seq is that of the old connection.
    /* icmp_syn      */ {MID, UNR, EVI, EVI, IAF, IAF, IAF, IAS, IAU},
    // syn_sent -> failed_sent (RFC 5461 4.1: connect fails in SYN-SENT); with a SYN/ACK in hand a
    // client ignores it, so it is only evidence.
    /* icmp_synack   */ {MID, BAD, EVI, EVI, IAF, IAF, IAF, IAS, IAU},
    /* expiry        */ {___, EXP, EXP, EXP, FOR, FOR, FOR, FOR, FOR},
    // pending -> failed_* by a timeout, or unjudged when only one direction was seen.
    /* capture_end   */ {___, PEN, PEN, PEN, FOR, FOR, FOR, FOR, FOR},
}};

}  // namespace

Action action_for(State state, Event event) {
    return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];
}

UnfitKind unfit_kind(Event event) {
    switch (event) {
        case Event::s_rst_isn:
        case Event::s_rst_ack:
        case Event::s_rst_bad:
        case Event::c_rst_isn:
        case Event::c_rst_data:
        case Event::c_rst_bad:
            return UnfitKind::rst;
        case Event::s_synack_new:
        case Event::s_synack_seen:
        case Event::s_synack_5th:
        case Event::s_synack_bad:
        case Event::c_synack_new:
        case Event::c_synack_seen:
        case Event::c_synack_bad:
        case Event::self_synack:
            return UnfitKind::synack;
        case Event::c_ack_fits:
        case Event::c_ack_open:
        case Event::c_ack_bad:
        case Event::s_seg_proof:
        case Event::s_seg_vouch:
        case Event::s_seg_plain:
        case Event::s_seg_bad:
            return UnfitKind::ack;
        case Event::icmp_syn:
        case Event::icmp_synack:
            return UnfitKind::icmp;
        case Event::c_syn_same:
        case Event::c_syn_other:
        case Event::s_syn:
        case Event::expiry:
        case Event::capture_end:
            break;
    }
    TCPEEK_UNREACHABLE("this event always fits");
}

std::string_view to_string(State state) {
    switch (state) {
        case State::none:
            return "none";
        case State::syn_sent:
            return "syn_sent";
        case State::syn_received:
            return "syn_received";
        case State::crossed:
            return "crossed";
        case State::failed_sent:
            return "failed_sent";
        case State::failed_received:
            return "failed_received";
        case State::failed_crossed:
            return "failed_crossed";
        case State::succeeded:
            return "succeeded";
        case State::unjudged:
            return "unjudged";
    }
    TCPEEK_UNREACHABLE("state out of range");
}

std::string_view to_string(Event event) {
    constexpr std::array<std::string_view, kEventCount> kNames{
        "syn_same",           "syn_other",           "syn_of_server",   "synack_new",
        "synack_seen",        "synack_surplus",      "synack_unfit",    "client_synack_new",
        "client_synack_seen", "client_synack_unfit", "self_synack",     "client_ack_fits",
        "client_ack_open",    "client_ack_unfit",    "server_proof",    "server_vouch",
        "server_plain",       "server_unfit",        "server_rst_isn",  "server_rst_ack",
        "server_rst_unfit",   "client_rst_isn",      "client_rst_data", "client_rst_unfit",
        "icmp_syn",           "icmp_synack",         "expiry",          "capture_end",
    };
    return kNames[static_cast<std::size_t>(event)];
}

}  // namespace tcpeek
