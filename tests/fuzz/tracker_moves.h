// What the packets of the tracker's fuzzer are: moves of a few flows, made from bytes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "handshake/tracker.h"

namespace tcpeek {

inline constexpr std::uint32_t kMaxSessions = 3;
inline constexpr Duration kTimeout = Duration::seconds(5);
inline constexpr std::uint16_t kUnwantedPort = 4;  // no filter wants the attempts of this client

struct Move {
    Segment segment;
    IcmpError icmp;
    bool is_icmp = false;
    Timestamp time;
};

// A client and a server that know each other's numbers as far as they were sent.
struct Flow {
    Endpoint client;
    Endpoint server;
    std::uint32_t client_isn = 0;
    std::uint32_t server_isn = 0;
    std::uint32_t data = 0;  // octets in the SYN
};

enum class MoveKind : std::uint8_t {
    syn,
    syn_with_data,
    syn_of_a_new_attempt,
    synack,
    synack_with_another_isn,
    synack_of_the_client,
    ack,
    data,
    fin,
    data_of_the_server,
    ack_of_the_server,
    ack_beyond,  // the server's, of what the client sent after its SYN
    rst,
    rst_of_the_server,
    rst_ack_of_the_server,
    syn_of_the_server,
    syn_fin,
    icmp_about_the_syn,
    icmp_about_the_synack,
    copy,   // of the move before
    again,  // one of those before it, later
    swap,   // with the move before
};
inline constexpr std::size_t kMoveKindCount = 22;

inline Segment segment_of(const Flow& flow, bool from_client, std::uint8_t flags, std::uint32_t seq,
                          std::uint32_t ack, std::uint32_t length = 0) {
    Segment segment;
    segment.source = from_client ? flow.client : flow.server;
    segment.destination = from_client ? flow.server : flow.client;
    segment.flags = {flags};
    segment.seq = {seq};
    segment.ack = {ack};
    segment.payload_length = length;
    return segment;
}

inline IcmpError icmp_about(const Flow& flow, bool syn) {
    IcmpError error;
    error.quoted_source = syn ? flow.client : flow.server;
    error.quoted_destination = syn ? flow.server : flow.client;
    error.quoted_seq = {syn ? flow.client_isn : flow.server_isn};
    error.destination = error.quoted_source.address;
    error.reporter = flow.server.address;
    error.type = 3;
    error.code = 1;
    return error;
}

inline Segment honest(Flow& flow, MoveKind kind) {
    constexpr std::uint8_t kSyn = 0x02, kSynAck = 0x12, kAck = 0x10, kPushAck = 0x18,
                           kFinAck = 0x11, kRst = 0x04, kRstAck = 0x14, kSynFin = 0x03;
    const std::uint32_t client_next = flow.client_isn + 1;
    const std::uint32_t server_next = flow.server_isn + 1;
    switch (kind) {
        case MoveKind::syn_of_a_new_attempt:
            flow.client_isn += 0x10000 + 77;
            flow.data = 0;
            [[fallthrough]];
        case MoveKind::syn:
            return segment_of(flow, true, kSyn, flow.client_isn, 0);
        case MoveKind::syn_with_data:
            flow.data = 9;
            return segment_of(flow, true, kSyn, flow.client_isn, 0, flow.data);
        case MoveKind::synack_with_another_isn:
            flow.server_isn += 1'000;
            [[fallthrough]];
        case MoveKind::synack:
            return segment_of(flow, false, kSynAck, flow.server_isn, client_next + flow.data);
        case MoveKind::synack_of_the_client:
            return segment_of(flow, true, kSynAck, flow.client_isn, server_next);
        case MoveKind::ack:
            return segment_of(flow, true, kAck, client_next, server_next);
        case MoveKind::data:
            return segment_of(flow, true, kPushAck, client_next, server_next, 20);
        case MoveKind::fin:
            return segment_of(flow, true, kFinAck, client_next, server_next);
        case MoveKind::data_of_the_server:
            return segment_of(flow, false, kPushAck, server_next, client_next, 30);
        case MoveKind::ack_of_the_server:
            return segment_of(flow, false, kAck, server_next, client_next);
        case MoveKind::ack_beyond:
            return segment_of(flow, false, kAck, server_next, client_next + 20);
        case MoveKind::rst:
            return segment_of(flow, true, kRst, client_next, 0);
        case MoveKind::rst_of_the_server:
            return segment_of(flow, false, kRst, server_next, 0);
        case MoveKind::rst_ack_of_the_server:
            return segment_of(flow, false, kRstAck, 0, client_next);
        case MoveKind::syn_of_the_server:
            return segment_of(flow, false, kSyn, flow.server_isn, 0);
        case MoveKind::syn_fin:
            return segment_of(flow, true, kSynFin, flow.client_isn, 0);
        case MoveKind::icmp_about_the_syn:
        case MoveKind::icmp_about_the_synack:
        case MoveKind::copy:
        case MoveKind::again:
        case MoveKind::swap:
            break;
    }
    return {};
}

// The numbers of most moves are right; these bend them, as a forger or an old segment would.
inline void bend(Segment& segment, std::uint8_t how) {
    static constexpr std::array<std::uint32_t, 8> kOffsets{1,      7,          65'535,     65'536,
                                                           70'000, 0xffffffff, 0x80000000, 1'000};
    if (how < 128) {
        return;
    }
    const std::uint32_t offset = kOffsets[how % 8U];
    if ((how & 8U) != 0) {
        segment.seq = segment.seq + offset;
    }
    if ((how & 16U) != 0) {
        segment.ack = segment.ack + offset;
    }
    if ((how & 32U) != 0) {
        segment.has_timestamps = true;
        segment.timestamps = {how, how};
    }
    if ((how & 64U) != 0) {
        segment.has_ip_id = true;
        segment.ip_id = how;
    }
}

inline Duration step_of(std::uint8_t octet) {
    static constexpr std::array<std::int64_t, 16> kMilliseconds{
        1, 2, 600'000, 9, 10, 11, 199, 201, 999, 1'001, 4'999, 5'000, 20'000, -9, -900, -1'500};
    return (octet & 0xf0U) == 0xf0U ? Duration::milliseconds(kMilliseconds[octet & 0x0fU])
                                    : Duration::microseconds(octet * std::int64_t{10});
}

// Three octets a move: the kind and the flow; the time since the last; how its numbers are bent.
inline std::vector<Move> moves_from(std::span<const std::uint8_t> octets) {
    static constexpr std::array<std::uint8_t, 4> kClient{192, 0, 2, 1};
    static constexpr std::array<std::uint8_t, 4> kServer{192, 0, 2, 2};
    std::array<Flow, 4> flows;
    for (std::uint16_t i = 0; i < flows.size(); ++i) {
        flows[i] = {{IpAddress::v4(kClient), static_cast<std::uint16_t>(i + 1)},
                    {IpAddress::v4(kServer), 80},
                    0xffffffffU - i,
                    5'000U * i,
                    0};
    }
    flows[2].server = flows[2].client;  // talks to itself
    std::vector<Move> moves;
    Timestamp now{};
    for (std::size_t i = 0; i + 3 <= octets.size(); i += 3) {
        const auto kind = static_cast<MoveKind>(octets[i] / 4U % kMoveKindCount);
        Flow& flow = flows[octets[i] % 4U];
        now = now + step_of(octets[i + 1]);
        Move move;
        move.time = now;
        if (kind == MoveKind::swap) {
            if (moves.size() >= 2) {
                std::swap(moves[moves.size() - 1], moves[moves.size() - 2]);
            }
            continue;
        }
        if (kind == MoveKind::copy || kind == MoveKind::again) {
            const std::size_t back = kind == MoveKind::copy ? 1 : 1 + octets[i + 2] % 16U;
            if (back > moves.size()) {
                continue;
            }
            move = moves[moves.size() - back];
            move.time = now;
        } else if (kind == MoveKind::icmp_about_the_syn ||
                   kind == MoveKind::icmp_about_the_synack) {
            move.icmp = icmp_about(flow, kind == MoveKind::icmp_about_the_syn);
            move.icmp.quoted_seq = move.icmp.quoted_seq + (octets[i + 2] >= 128 ? 1U : 0U);
            move.is_icmp = true;
        } else {
            move.segment = honest(flow, kind);
            bend(move.segment, octets[i + 2]);
        }
        moves.push_back(move);
    }
    return moves;
}

}  // namespace tcpeek
