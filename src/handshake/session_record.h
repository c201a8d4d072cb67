// What the tracker says of a connection attempt: one immutable SessionRecord when its verdict
// falls, and SessionEvents for what follows a success.
#pragma once

#include <cstdint>
#include <optional>

#include "base/timestamp.h"
#include "dissect/dissected.h"
#include "dissect/frame.h"
#include "handshake/history.h"
#include "handshake/outcome.h"
#include "handshake/state_table.h"
#include "net/endpoint.h"

namespace tcpeek {

// Names a set of filters; given by the Classifier at the attempt's first SYN and never changed.
struct MatchId {
    std::uint32_t index = 0;

    friend constexpr auto operator<=>(MatchId, MatchId) = default;
};

// The ICMP error that made or may explain a verdict.
struct IcmpEvidence {
    IpAddress reporter;
    std::uint8_t type = 0;
    std::uint8_t code = 0;

    [[nodiscard]] bool is_v6() const { return !reporter.is_v4(); }
};

struct SessionRecord {
    Timestamp start;  // the first SYN's own packet time
    Endpoint client;
    Endpoint server;
    Cause cause = Cause::established;
    Duration elapsed;  // first SYN to the verdict
    std::optional<Duration>
        synack;                   // SYN to first SYN/ACK, where it is known which SYN was answered
    std::optional<Duration> ack;  // SYN/ACK to final ACK, likewise
    std::uint32_t dup_syn = 0;
    std::uint32_t dup_synack = 0;
    History history;
    MatchId filters;
    InterfaceId interface;  // where the first SYN was seen
    std::optional<IcmpEvidence> icmp;
    Encapsulation encapsulation;     // of the first SYN
    bool recovered = false;          // an earlier record said that this attempt failed
    std::uint32_t dup_syn_told = 0;  // how much of dup_syn that record had, for who adds up
    std::uint32_t dup_synack_told = 0;
    std::optional<Duration> last_packet;  // failures: first SYN to the attempt's last packet
    bool capture_loss = false;            // the capture lost packets meanwhile: doubtful timeout
    State decided_in = State::none;       // the cell of the state table that gave the verdict
    Event decided_by = Event::expiry;
};

struct SessionEvent {
    enum class Kind : std::uint8_t {
        unaccepted,             // the server repeats its SYN/ACK: it dropped the final ACK
        reset_early_by_server,  // RST before the server sent a byte
        reset_early_by_client,
    };

    Kind kind = Kind::unaccepted;
    Timestamp time;   // of the packet that shows it
    Timestamp start;  // of the session
    Endpoint client;
    Endpoint server;
    MatchId filters;
};

}  // namespace tcpeek
