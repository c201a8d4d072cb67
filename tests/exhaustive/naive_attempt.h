// What the naive machine keeps of an attempt (everything), and what follows from the numbers in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/timestamp.h"
#include "dissect/dissected.h"
#include "net/seq_number.h"

namespace tcpeek::exhaustive {

// Packets that make no difference, by the reason that is counted.
struct Ignored {
    std::uint64_t unfit_rsts = 0;
    std::uint64_t unfit_acks = 0;
    std::uint64_t useless = 0;
    std::uint64_t mid_stream = 0;
    std::uint64_t syn_fin = 0;
    std::uint64_t no_ack = 0;
    std::uint64_t icmp_unmatched = 0;
    std::uint64_t orphan_synacks = 0;
    std::uint64_t after_success = 0;
    std::uint64_t syn_after_success = 0;
    std::uint64_t after_unjudged = 0;
    std::uint64_t after_failure = 0;
    std::uint64_t duplicates = 0;

    friend bool operator==(const Ignored&, const Ignored&) = default;
    friend Ignored operator-(Ignored a, const Ignored& b) {
        a.unfit_rsts -= b.unfit_rsts;
        a.unfit_acks -= b.unfit_acks;
        a.useless -= b.useless;
        a.mid_stream -= b.mid_stream;
        a.syn_fin -= b.syn_fin;
        a.no_ack -= b.no_ack;
        a.icmp_unmatched -= b.icmp_unmatched;
        a.orphan_synacks -= b.orphan_synacks;
        a.after_success -= b.after_success;
        a.syn_after_success -= b.syn_after_success;
        a.after_unjudged -= b.after_unjudged;
        a.after_failure -= b.after_failure;
        a.duplicates -= b.duplicates;
        return a;
    }
};

enum class Stage { syn_sent, syn_received, crossed };
enum class Verdict { none, failure, success, unjudged };

// A SYN or SYN/ACK that was sent, for the latencies.
struct Sent {
    Timestamp at;
    std::optional<std::uint32_t> tsval;
};

struct SynAck {
    SeqNumber seq;
    SeqNumber ack;
    Sent sent;
};

struct NaiveAttempt {
    bool client_is_near = true;
    SeqNumber isn;
    Timestamp start;
    Timestamp start_told;        // the SYN's own time
    std::uint32_t syn_data = 0;  // the most that one of its SYNs carried
    Stage stage = Stage::syn_sent;
    Verdict verdict = Verdict::none;

    std::uint32_t dup_syn = 0;
    std::uint32_t dup_synack = 0;
    std::vector<Sent> syns;               // before the first SYN/ACK
    std::optional<Duration> synack_time;  // where it is known which SYN was answered
    std::vector<SynAck> synacks;          // of the server, good ones, repeated ones too
    std::optional<SeqNumber> server_syn;  // crossed: ISN of the server's SYN
    bool client_sent_synack = false;
    bool server_isn_acked = false;
    bool client_isn_acked = false;
    std::optional<SeqNumber> acked_server_isn;

    std::optional<SeqNumber> kept_ack;
    Timestamp kept_ack_at;
    bool challenged = false;
    bool icmp = false;
    std::string history;

    Timestamp last_packet;     // the last that was accepted
    Timestamp remember_until;  // once there is a verdict
    Timestamp completed;
    bool unaccepted_told = false;
    bool server_reset_told = false;
    bool client_reset_told = false;
};

inline constexpr std::uint32_t kWindow = 65'535;
inline constexpr Duration kHold = Duration::milliseconds(10);

// TSval, where there is one.
std::optional<std::uint32_t> tsval_of(const Segment& segment);

// When the packet was sent that is answered: the only one, or the one of those that TSecr names.
std::optional<Timestamp> answered(const std::vector<Sent>& sent, const Segment& answer);

// Whether `ack` acknowledges the SYN, and at most the data it carried.
bool acknowledges_syn(const NaiveAttempt& attempt, SeqNumber ack);

// ISNs of the server's SYN/ACKs, each once.
std::vector<SeqNumber> synack_isns(const NaiveAttempt& attempt);

// With the one of its SYN, which comes before all SYN/ACKs.
std::vector<SeqNumber> server_isns(const NaiveAttempt& attempt);

// The server ISN that is meant by `next`, the number after it or one in the window from there;
// the exact one before all.
std::optional<SeqNumber> isn_before(const NaiveAttempt& attempt, SeqNumber next);

}  // namespace tcpeek::exhaustive
