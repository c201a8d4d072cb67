// The state machine of a connection attempt, as one table: what each event means in each state.
// How a segment becomes an event is decided in numbers.h; what an action does, in tracker.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tcpeek {

// `failed_*` are attempts that have had a failure verdict and go on silently, since a retry or the
// real answer may still complete them.
enum class State : std::uint8_t {
    none,             // no attempt of this pair of endpoints
    syn_sent,         // the client's SYN was seen
    syn_received,     // and a SYN/ACK of the server that answers it
    crossed,          // both ends sent a SYN (RFC 9293 3.5, simultaneous open)
    failed_sent,      // as syn_sent, after a failure
    failed_received,  // as syn_received, after a failure
    failed_crossed,   // as crossed, after a failure
    succeeded,        // remembered success
    unjudged,         // remembered, seen from one side only
};
inline constexpr std::size_t kStateCount = 9;

// C: from the client, S: from the server.
enum class Event : std::uint8_t {
    c_syn_same,     // pure SYN with the attempt's ISN
    c_syn_other,    // pure SYN with another ISN
    s_syn,          // pure SYN of the server
    s_synack_new,   // acknowledges the SYN, server ISN not seen in a SYN/ACK yet
    s_synack_seen,  // acknowledges the SYN, server ISN known
    s_synack_5th,   // acknowledges the SYN, but no room for another ISN
    s_synack_bad,   // acknowledges something else
    c_synack_new,   // crossed SYNs: acknowledges the server's SYN
    c_synack_seen,  // the same again
    c_synack_bad,
    self_synack,  // an endpoint talking to itself answers its own SYN
    c_ack_fits,   // seq and ack acceptable
    c_ack_open,   // seq acceptable, ack fits no known server ISN
    c_ack_bad,    // seq not acceptable
    s_seg_proof,  // shows that the server took a segment of the client after the SYN
    s_seg_vouch,  // no SYN/ACK seen, but client and server name each other's numbers
    s_seg_plain,  // seq and ack acceptable, proves nothing
    s_seg_bad,
    s_rst_isn,  // seq is the server's ISN+1
    s_rst_ack,  // acknowledges the SYN
    s_rst_bad,
    c_rst_isn,   // seq is the client's ISN+1
    c_rst_data,  // seq lies in the SYN's data
    c_rst_bad,
    icmp_syn,     // quotes the SYN, addressed to the client
    icmp_synack,  // quotes a SYN/ACK, addressed to the server
    expiry,       // no packet of the attempt for the timeout; remembered ones: time to forget
    capture_end,
};
inline constexpr std::size_t kEventCount = 28;

enum class Action : std::uint8_t {
    start_attempt,
    count_dup_syn,
    supersede,      // this attempt ends, a new one starts
    cross,          // simultaneous open begins
    accept_synack,  // first SYN/ACK; a success at once if the client's ACK of it came before
    count_dup_synack,
    add_server_isn,
    keep_client_ack,
    note_challenge,    // the server answered otherwise
    succeed,           // established
    succeed_unseen,    // synack_unseen
    succeed_self,      // simultaneous_open of an endpoint with itself
    cross_client_ack,  // crossed: the client acknowledges; success when both have
    cross_client_synack,
    cross_server_ack,  // crossed: the server acknowledges; success when both have
    cross_synack,
    refuse,
    reset,
    abort_attempt,
    unreach,
    keep_icmp,
    hold_synack,  // its SYN may come out of capture order
    time_out,
    end_pending,
    revive,  // a retry of a failed attempt: remembered longer
    forget,
    check_unaccepted,
    server_reset_early,
    client_reset_early,
    nothing,  // silently, for events that cannot matter
    ignore_mid_stream,
    ignore_unfit,    // numbers do not fit: counted, an X in the history
    ignore_useless,  // numbers fit, but it says nothing new: counted
    ignore_after_success,
    ignore_syn_after_success,
    ignore_after_unjudged,
    ignore_after_failure,
};
inline constexpr std::size_t kActionCount = 37;

// The cell for an event in a state.
Action action_for(State state, Event event);

// Whether an attempt in this state still waits for its verdict.
constexpr bool is_pending(State state) {
    return state == State::syn_sent || state == State::syn_received || state == State::crossed;
}
constexpr bool is_failed(State state) {
    return state == State::failed_sent || state == State::failed_received ||
           state == State::failed_crossed;
}

// What did not fit where an event is ignored as unfit: the forgeries and confusions that users see
// counted apart.
enum class UnfitKind : std::uint8_t { rst, synack, ack, icmp };
inline constexpr std::size_t kUnfitKindCount = 4;
UnfitKind unfit_kind(Event event);

std::string_view to_string(State state);
std::string_view to_string(Event event);

}  // namespace tcpeek
