// What is kept of one connection attempt while it is pending or remembered.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/timestamp.h"
#include "dissect/dissected.h"
#include "dissect/frame.h"
#include "handshake/history.h"
#include "handshake/session_record.h"
#include "handshake/state_table.h"
#include "net/connection_key.h"

namespace tcpeek {

// Index into the AttemptTable or the details pool, from 1 on; `kNoIndex` for none.
using AttemptIndex = std::uint32_t;
inline constexpr AttemptIndex kNoIndex = 0;

// Place in one of the tracker's lists, which are ordered by `Attempt::renewed_at`.
struct ListLinks {
    AttemptIndex previous = kNoIndex;
    AttemptIndex next = kNoIndex;
};

// One per attempt, so its size is the program's memory: what only retransmissions, odd servers and
// ICMP bring stands in AttemptDetails. Times are on the tracker's scale unless they say otherwise.
struct Attempt {
    ConnectionKey key;
    State state = State::syn_sent;
    bool client_is_first : 1 = true;  // which endpoint of the key sent the first SYN
    bool has_syn_tsval : 1 = false;
    bool has_synack_tsval : 1 = false;
    bool has_synack : 1 = false;            // `synack_at` is known
    bool synack_answers_first : 1 = false;  // and it answers the first SYN (Karn)
    bool server_answered : 1 = false;       // by something else: it holds an older connection
    bool synack_acked_data : 1 = false;     // a SYN/ACK acknowledged data of the SYN (Fast Open)
    bool server_isn_from_syn : 1 = false;  // crossed SYNs: `server_isn` is that of the server's SYN
    bool synack_of_syn_seen : 1 = false;   // crossed SYNs: a SYN/ACK with that ISN was seen
    bool client_synack_seen : 1 = false;   // crossed SYNs: the client sent a SYN/ACK
    bool client_acked : 1 = false;         // crossed SYNs: the client acknowledged the server's ISN
    bool server_acked : 1 = false;         // crossed SYNs: the server acknowledged the client's ISN
    bool told_unaccepted : 1 = false;
    bool told_server_reset : 1 = false;
    bool told_client_reset : 1 = false;
    std::uint8_t server_isn_count : 4 = 0;  // up to kMaxServerIsns; the first stands here
    std::uint8_t pending_kind : 2 = 0;      // where PendingCounts has it, while it is pending

    std::uint32_t key_hash = 0;
    AttemptIndex hash_next = kNoIndex;  // newer attempts come first
    ListLinks links;
    AttemptIndex details = kNoIndex;

    Timestamp start_packet_time;  // the first SYN's own time
    Timestamp start;
    Timestamp last_packet;  // the last one that the state table accepted; not moved after a verdict
    Timestamp renewed_at;   // what expiry or forgetting counts from; the lists' order
    Timestamp synack_at;    // first SYN/ACK

    SeqNumber client_isn;
    SeqNumber server_isn;
    std::uint32_t syn_tsval = 0;     // of the first SYN
    std::uint32_t synack_tsval = 0;  // of the first SYN/ACK
    MatchId filters;
    std::uint16_t dup_syn = 0;              // stays at its maximum
    std::uint16_t dup_synack = 0;           // stays at its maximum
    std::uint16_t syn_data_length = 0;      // the largest of the attempt's SYNs
    std::uint16_t synack_acked_length = 0;  // how much of it SYN/ACKs acknowledged
    InterfaceId interface;
    History history;

    [[nodiscard]] Endpoint client() const { return client_is_first ? key.first() : key.second(); }
    [[nodiscard]] Endpoint server() const { return client_is_first ? key.second() : key.first(); }
};
static_assert(sizeof(Attempt) <= 152, "a pending session may cost at most 160 octets in all");

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
    Encapsulation encapsulation;     // of the first SYN
    std::uint16_t dup_syn_told = 0;  // what the record of a failure said, for one that recovers
    std::uint16_t dup_synack_told = 0;
};

}  // namespace tcpeek
