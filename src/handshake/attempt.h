// What is kept of one connection attempt while it is pending or remembered.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/timestamp.h"
#include "base/word64.h"
#include "dissect/dissected.h"
#include "dissect/frame.h"
#include "handshake/clock_offsets.h"
#include "handshake/history.h"
#include "handshake/session_record.h"
#include "handshake/state_table.h"
#include "net/connection_key.h"

namespace tcpeek {

// Names what is kept of an attempt, from 1 on; `kNoIndex` for none. AttemptTable says how.
using AttemptIndex = std::uint32_t;
inline constexpr AttemptIndex kNoIndex = 0;

// Place in one of the tracker's lists, which are ordered by `renewed_at`.
struct ListLinks {
    AttemptIndex previous = kNoIndex;
    AttemptIndex next = kNoIndex;
};

// From one time to a later one; at most what 32 bits hold, which is more than four seconds.
inline std::uint32_t nanoseconds_between(Timestamp from, Timestamp to) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>((to - from).ns, 0, UINT32_MAX));
}

// One per attempt, so its size is the program's memory: what only retransmissions, odd servers and
// ICMP bring stands in AttemptDetails. Times are on the tracker's scale unless they say otherwise.
struct Attempt {
    [[no_unique_address]] ConnectionKey key;
    State state : 4 = State::syn_sent;
    bool client_is_first : 1 = true;  // which endpoint of the key sent the first SYN
    bool has_syn_tsval : 1 = false;
    bool has_synack_tsval : 1 = false;
    bool has_synack : 1 = false;            // `synack_at` is known
    bool synack_answers_first : 1 = false;  // and it answers the first SYN (Karn)
    bool server_answered : 1 = false;       // by something else: it holds an older connection
    bool server_isn_from_syn : 1 = false;  // crossed SYNs: `server_isn` is that of the server's SYN
    bool synack_of_syn_seen : 1 = false;   // crossed SYNs: a SYN/ACK with that ISN was seen
    bool client_synack_seen : 1 = false;   // crossed SYNs: the client sent a SYN/ACK
    bool client_acked : 1 = false;         // crossed SYNs: the client acknowledged the server's ISN
    bool server_acked : 1 = false;         // crossed SYNs: the server acknowledged the client's ISN
    bool told_unaccepted : 1 = false;
    bool told_server_reset : 1 = false;
    bool told_client_reset : 1 = false;
    std::uint8_t pending_kind : 2 = 0;      // where PendingCounts has it, while it is pending
    std::uint8_t server_isn_count : 3 = 0;  // up to kMaxServerIsns; the first stands here

    ListLinks links;
    AttemptIndex details = kNoIndex;
    MatchId filters;
    InterfaceId interface;
    ClockOffsets::Name start_offset = 0;  // at the first SYN

    StoredTime start;
    StoredTime renewed_at;  // what expiry or forgetting counts from; the lists' order
    StoredTime synack_at;   // first SYN/ACK
    SeqNumber client_isn;
    SeqNumber server_isn;
    std::uint32_t syn_tsval = 0;      // of the first SYN
    std::uint32_t synack_tsval = 0;   // of the first SYN/ACK
    std::uint32_t renewed_after = 0;  // `renewed_at` minus `last_packet`, in nanoseconds
    std::uint16_t dup_syn = 0;        // stays at its maximum
    std::uint16_t dup_synack = 0;     // stays at its maximum
    ShortHistory history;             // its beginning

    [[nodiscard]] Endpoint client() const { return client_is_first ? key.first() : key.second(); }
    [[nodiscard]] Endpoint server() const { return client_is_first ? key.second() : key.first(); }

    // The last packet that the state table accepted; not moved after a verdict, and forgotten after
    // a failure. While the attempt is pending it lies at most a second before `renewed_at`, since
    // no packet comes later than that (TrackerClock); a success that was renewed more than four
    // seconds after it has it in AttemptDetails.
    [[nodiscard]] Timestamp last_packet() const {
        return renewed_at - Duration::nanoseconds(renewed_after);
    }
    void set_times(Timestamp renewed, Timestamp last) {
        renewed_at = renewed;
        renewed_after = nanoseconds_between(last, renewed);
    }
};
static_assert(sizeof(Attempt) == 116, "with its places in a chain and a bucket, 124 octets");

// A server ISN beyond the first is rare (two answers to one SYN); more than this are ignored.
inline constexpr std::size_t kMaxServerIsns = 4;

// One SYN or SYN/ACK, for Karn's rule.
struct SentAt {
    Timestamp at;
    bool has_tsval = false;
    std::uint32_t tsval = 0;
};

// What was sent again. Hosts repeat a SYN 6 times (Linux tcp_syn_retries) and a SYN/ACK 5 times;
// what comes after that can give no latency sample.
struct Retransmissions {
    static constexpr std::size_t kCapacity = 7;

    std::array<SentAt, kCapacity> sent{};
    std::uint8_t count = 0;

    void add(const SentAt& one) {
        if (count < kCapacity) {
            sent[count++] = one;
        }
    }
    // When the one was sent that `tsecr` names, `first` included; nothing unless it names exactly
    // one (RFC 7323 4, Karn's rule).
    [[nodiscard]] std::optional<Timestamp> named_by(std::uint32_t tsecr, const SentAt& first) const;
};

// The rarely needed part of an attempt.
struct AttemptDetails {
    std::array<SeqNumber, kMaxServerIsns - 1> more_server_isns{};
    bool has_kept_ack = false;
    SeqNumber kept_ack;  // the client acknowledged a SYN/ACK that was not seen
    Timestamp kept_ack_at;
    Retransmissions syns;                    // without the first SYN
    Retransmissions synacks;                 // without the first SYN/ACK
    std::optional<Duration> synack_latency;  // where TSecr named the SYN that was answered
    std::optional<IcmpEvidence> icmp;
    Encapsulation encapsulation;  // of the first SYN
    History more_history;         // what `Attempt::history` has no room for
    std::optional<Timestamp>
        start_packet_time;                  // the first SYN's own, where ClockOffsets has no room
    std::uint16_t syn_data_length = 0;      // the largest of the attempt's SYNs
    std::uint16_t synack_acked_length = 0;  // how much of it SYN/ACKs acknowledged
    std::optional<Timestamp> completed_at;  // successes: `last_packet`, where it lies far back
    std::uint16_t dup_syn_told = 0;  // what the record of a failure said, for one that recovers
    std::uint16_t dup_synack_told = 0;
};

// A SYN/ACK that crosses the final ACK on the wire comes sooner than this after it.
inline constexpr Duration kLeastUnaccepted = Duration::milliseconds(200);

// What is kept of most successes: enough to know their packets again, and to notice what may follow
// a success. Others stay an Attempt.
struct RememberedSuccess {
    Word64 pair_hash;       // stands for the pair of endpoints, which is several times as long
    StoredTime renewed_at;  // as in Attempt
    ListLinks links;
    SeqNumber client_isn;
    SeqNumber server_isn;
    std::uint32_t start_before = 0;   // `last_packet` minus `start`, in nanoseconds
    std::uint32_t renewed_after = 0;  // `renewed_at` minus `last_packet`, likewise
    std::uint32_t filters : 20 = 0;
    std::uint32_t start_offset : 8 = 0;
    bool client_is_first : 1 = false;
    bool told_unaccepted : 1 = false;
    bool told_server_reset : 1 = false;
    bool told_client_reset : 1 = false;

    [[nodiscard]] Timestamp last_packet() const {
        return renewed_at - Duration::nanoseconds(renewed_after);
    }
    [[nodiscard]] Timestamp start() const {
        return last_packet() - Duration::nanoseconds(start_before);
    }

    // Whether nothing that may matter later would be lost of a success.
    static bool holds(const Attempt& attempt, const AttemptDetails* details,
                      std::optional<Duration> synack_latency);
    RememberedSuccess() = default;
    RememberedSuccess(const Attempt& attempt, std::uint64_t hash);
    // In no chain and no list.
    [[nodiscard]] Attempt expanded(const ConnectionKey& key) const;
};
static_assert(sizeof(RememberedSuccess) == 44, "with its place in a chain, 48 octets");

}  // namespace tcpeek
