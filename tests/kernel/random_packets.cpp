#include "random_packets.h"

#include <array>

namespace tcpeek {
namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;

void put(std::vector<std::uint8_t>& octets, std::uint32_t value, unsigned count) {
    while (count-- > 0) {
        octets.push_back(static_cast<std::uint8_t>(value >> 8U * count));
    }
}

}  // namespace

void RandomPackets::begin() {
    time_ = time_ + Duration::seconds(1'000);
    left_ = 4 + roll(20);
    step_ = 0;
    is_v6_ = roll(2) == 0;
    port_ = static_cast<std::uint16_t>(1'024 + roll(60'000));
    client_isn_ = roll(8) == 0 ? 0xffffffffU : 1'000 + 100'000 * roll(3);
    // Never the client's: a filter that is told of one cannot tell them apart (ADR 11).
    server_isn_ = roll(8) == 0 ? 0xfffffff0U : 500'000 + 100'000 * roll(3);
    syns_are_odd_ = roll(3) == 0;
}

// The next one of a handshake, some data, an end, and then all of it again under another ISN.
RandomPackets::Segment RandomPackets::plausible() {
    const std::uint32_t c = client_isn_ + 1;
    const std::uint32_t s = server_isn_ + 1;
    switch (step_++) {
        case 0:
            return {true, kSyn, client_isn_, 0, 0};
        case 1:
            return {false, kSyn | kAck, server_isn_, c, 0};
        case 2:
            return {true, kAck, c, s, roll(3) == 0 ? 40U : 0U};
        case 3:
            return {true, kAck, c, s, 40};
        case 4:
            return {false, kAck, s, c + 40, 40};
        case 5:
            return {true, kFin | kAck, c + 40, s + 40, 0};
        default:
            step_ = 0;
            client_isn_ += 300'000;
            server_isn_ += roll(2) * 300'000;
            return {false, kFin | kAck, s + 40, c + 41, 0};
    }
}

RandomPackets::Segment RandomPackets::odd() {
    constexpr std::array<std::uint8_t, 9> kFlags{kSyn,        kSyn | kAck, kAck, kAck,       kRst,
                                                 kRst | kAck, kFin | kAck, 0,    kSyn | kFin};
    Segment segment;
    segment.from_client = roll(2) == 0;
    segment.flags = kFlags[roll(kFlags.size())];
    const std::uint32_t own = segment.from_client ? client_isn_ : server_isn_;
    const std::uint32_t other = segment.from_client ? server_isn_ : client_isn_;
    constexpr std::array<std::uint32_t, 6> kOff{0, 1, 1, 1, 2, 50'000};
    segment.seq = own + kOff[roll(kOff.size())];
    segment.ack = (segment.flags & kAck) != 0 ? other + kOff[roll(kOff.size())] : 0;
    segment.payload = roll(4) == 0 ? 30 : 0;
    return segment;
}

void RandomPackets::write(const Segment& segment) {
    const std::uint32_t tcp_length = 20 + segment.payload;
    octets_.assign(12, 2);
    if (syns_are_odd_ && segment.flags == kSyn) {
        // A length, LLC and SNAP (RFC 1042): the programs in the kernel do not understand it.
        put(octets_, 8 + (is_v6_ ? 40 : 20) + tcp_length, 2);
        put(octets_, 0xaaaa0300, 4);
        put(octets_, 0, 2);
    }
    put(octets_, is_v6_ ? 0x86dd : 0x0800, 2);
    const std::uint32_t client = is_v6_ ? 0xfd000001 : 0x0a000001;
    const std::uint32_t server = is_v6_ ? 0xfd000002 : 0x0a000002;
    const auto put_address = [&](std::uint32_t address) {
        put(octets_, address, 4);
        octets_.resize(octets_.size() + (is_v6_ ? 12U : 0U));
    };
    if (is_v6_) {
        put(octets_, 0x60000000, 4);
        put(octets_, tcp_length, 2);
        put(octets_, 0x0640, 2);
    } else {
        put(octets_, 0x45000000 | (20 + tcp_length), 4);
        put(octets_, 0x00004000, 4);
        put(octets_, 0x40060000, 4);
    }
    put_address(segment.from_client ? client : server);
    put_address(segment.from_client ? server : client);
    put(octets_, segment.from_client ? port_ : 80U, 2);
    put(octets_, segment.from_client ? 80U : port_, 2);
    put(octets_, segment.seq, 4);
    put(octets_, segment.ack, 4);
    put(octets_, 0x50000000U | static_cast<std::uint32_t>(segment.flags) << 16U | 0xffffU, 4);
    put(octets_, 0, 4);
    octets_.resize(octets_.size() + segment.payload);
}

bool RandomPackets::next(Frame& frame) {
    if (left_ == 0) {
        return false;
    }
    --left_;
    constexpr std::array<std::int64_t, 8> kPauses{10'000,        100'000,      3'000'000,
                                                  3'000'000,     50'000'000,   1'100'000'000,
                                                  3'000'000'000, 6'000'000'000};
    constexpr auto kAll = static_cast<std::uint32_t>(kPauses.size());
    time_ = time_ + Duration::nanoseconds(kPauses[roll(roll(3) == 0 ? kAll : 4)]);
    if (roll(12) != 0 || octets_.empty()) {  // else the same once more
        write(roll(4) == 0 ? odd() : plausible());
    }
    // Within 2 ms the second of two that are equal is a copy, if the first one was seen.
    for (const auto& [at, octets] : recent_) {
        if (octets == octets_ && time_ - at < Duration::milliseconds(3)) {
            time_ = time_ + Duration::milliseconds(3);
        }
    }
    recent_[left_ % recent_.size()] = {time_, octets_};
    frame.bytes = Bytes(octets_.data(), octets_.size());
    frame.original_length = static_cast<std::uint32_t>(octets_.size());
    frame.time = time_;
    frame.link_type = LinkType{1};
    frame.interface = InterfaceId::none();
    return true;
}

}  // namespace tcpeek
