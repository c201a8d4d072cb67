#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <random>
#include <string>
#include <vector>

#include "dissect/dissect.h"
#include "octets.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kEthernet = 1;
constexpr std::uint32_t kRaw = 101;

Octets ethernet(std::uint16_t type) {
    return Octets(12, 0x02) +
           Octets{static_cast<std::uint8_t>(type >> 8U), static_cast<std::uint8_t>(type)};
}

// IPv4 with the checksum that belongs to it; `length` is that of the payload.
Octets ipv4(std::uint8_t protocol, std::uint16_t length, std::uint8_t fragment = 0x40) {
    const auto total = static_cast<std::uint16_t>(20 + length);
    Octets header{0x45,
                  0,
                  static_cast<std::uint8_t>(total >> 8U),
                  static_cast<std::uint8_t>(total),
                  0x12,
                  0x34,
                  fragment,
                  0,
                  64,
                  protocol,
                  0,
                  0,
                  192,
                  0,
                  2,
                  1,
                  192,
                  0,
                  2,
                  2};
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < header.size(); i += 2) {
        sum += static_cast<std::uint32_t>(header[i] << 8U | header[i + 1]);
    }
    sum = (sum & 0xffffU) + (sum >> 16U);
    header[10] = static_cast<std::uint8_t>(~sum >> 8U);
    header[11] = static_cast<std::uint8_t>(~sum);
    return header;
}

Octets ipv6(std::uint8_t next_header, std::uint16_t length) {
    Octets header{0x60,
                  0,
                  0,
                  0,
                  static_cast<std::uint8_t>(length >> 8U),
                  static_cast<std::uint8_t>(length),
                  next_header,
                  64};
    Octets address(16, 0);
    address[0] = 0x20;
    address[15] = 1;
    header = header + address;
    address[15] = 2;
    return header + address;
}

Octets tcp(std::uint8_t flags = TcpFlags::kSyn) {
    return {0x9c, 0x40, 0, 80, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0};
}

Octets tcp_with_timestamps() {
    Octets header = tcp();
    header[12] = 0x80;
    return header + Octets{1, 1, 8, 10, 0, 0, 0, 9, 0, 0, 0, 7};
}

Dissected take(const Octets& octets, std::uint32_t link_type, DissectOptions options = {},
               std::uint32_t original = 0) {
    Frame frame;
    frame.bytes = octets;
    frame.original_length = original == 0 ? static_cast<std::uint32_t>(octets.size()) : original;
    frame.link_type = {link_type};
    return dissect(frame, options);
}

// "segment", "icmp", or the reason or layer by name.
std::string kind(const Dissected& dissected) {
    if (const auto* ignored = std::get_if<Ignored>(&dissected)) {
        return std::string(to_string(ignored->why));
    }
    if (const auto* malformed = std::get_if<Malformed>(&dissected)) {
        return "malformed " + std::string(to_string(malformed->layer));
    }
    return std::holds_alternative<Segment>(dissected) ? "segment" : "icmp";
}

TEST(Dissect, ReadsEveryFieldOfASegment) {
    const Octets frame = ethernet(0x8100) + Octets{0x20, 10, 0x88, 0xa8} +
                         Octets{0, 20, 0x08, 0x00} + ipv4(6, 35) + tcp_with_timestamps() +
                         Octets(3, 'x') + Octets(9, 0);
    const Dissected dissected = take(frame, kEthernet);
    ASSERT_EQ(kind(dissected), "segment");
    const auto& segment = std::get<Segment>(dissected);
    EXPECT_EQ(to_string(segment.source), "192.0.2.1:40000");
    EXPECT_EQ(to_string(segment.destination), "192.0.2.2:80");
    EXPECT_EQ(segment.seq.value, 0x01020304U);
    EXPECT_EQ(segment.ack.value, 0x05060708U);
    EXPECT_TRUE(segment.flags.syn());
    EXPECT_EQ(segment.payload_length, 3U) << "padding is none";
    EXPECT_TRUE(segment.has_timestamps);
    EXPECT_EQ(segment.timestamps.value, 9U);
    EXPECT_EQ(segment.timestamps.echo, 7U);
    EXPECT_EQ(segment.ip_id, 0x1234);
    ASSERT_EQ(segment.encapsulation.vlan_count, 2);
    EXPECT_EQ(segment.encapsulation.vlans[0], 10);
    EXPECT_EQ(segment.encapsulation.vlans[1], 20);
}

struct Named {
    const char* name;
    std::uint32_t link_type;
    Octets frame;
    std::string expected;
};

std::vector<Named> named_frames() {
    const Octets hop_by_hop{6, 0, 1, 4, 0, 0, 0, 0};
    const Octets later_fragment{6, 0, 0, 8, 0, 0, 0, 1};
    Octets short_header = tcp();
    short_header[12] = 0x40;
    Octets long_header = tcp();
    long_header[12] = 0xf0;
    Octets version_5 = ipv4(6, 20);
    version_5[0] = 0x55;
    return {
        {"null, either byte order", 0, Octets{2, 0, 0, 0} + ipv4(6, 20) + tcp(), "segment"},
        {"null, big endian", 0, Octets{0, 0, 0, 30} + ipv6(6, 20) + tcp(), "segment"},
        {"loop", 108, Octets{0, 0, 0, 24} + ipv6(6, 20) + tcp(), "segment"},
        {"old raw", 12, ipv4(6, 20) + tcp(), "segment"},
        {"ipv4 only", 228, ipv4(6, 20) + tcp(), "segment"},
        {"ipv6 only", 229, ipv6(0, 28) + hop_by_hop + tcp(), "segment"},
        {"sll", 113, Octets(14, 0) + Octets{0x08, 0x00} + ipv4(6, 20) + tcp(), "segment"},
        {"sll2", 276, Octets{0x86, 0xdd} + Octets(18, 0) + ipv6(6, 20) + tcp(), "segment"},
        {"mpls", kEthernet, ethernet(0x8847) + Octets{0, 0, 0, 1, 0, 0, 1, 1} + ipv4(6, 20) + tcp(),
         "segment"},
        {"pppoe", kEthernet,
         ethernet(0x8864) + Octets{0x11, 0, 0, 1, 0, 42, 0x00, 0x21} + ipv4(6, 20) + tcp(),
         "segment"},
        {"first fragment", kRaw, ipv4(6, 20, 0x20) + tcp(), "segment"},
        {"link type", 9'999, tcp(), "link_type_unknown"},
        {"arp", kEthernet, ethernet(0x0806) + Octets(28, 0), "protocol_not_ip"},
        {"udp", kRaw, ipv4(17, 8) + Octets(8, 0), "protocol_not_tcp"},
        {"icmp is not asked for", kRaw, ipv4(1, 8) + Octets(8, 0), "protocol_not_tcp"},
        {"later fragment", kRaw, ipv4(6, 20, 0x01) + tcp(), "fragment_later"},
        {"later fragment of IPv6", kRaw, ipv6(44, 28) + later_fragment + tcp(), "fragment_later"},
        {"tiny first fragment", kRaw, ipv4(6, 8, 0x20) + Octets(8, 0), "fragment_short"},
        {"esp", kRaw, ipv6(50, 20) + Octets(20, 0), "encrypted"},
        {"nesting", kEthernet,
         [] {
             Octets frame = ethernet(0x8100);
             for (int i = 0; i < 40; ++i) {
                 frame = frame + Octets{0, 1, 0x81, 0x00};
             }
             return frame;
         }(),
         "nesting_too_deep"},
        {"ethernet", kEthernet, Octets(13, 0), "malformed link"},
        {"vlan", kEthernet, ethernet(0x8100) + Octets{0, 1}, "malformed vlan"},
        {"ip version", 228, version_5 + tcp(), "malformed ipv4"},
        {"ipv6 cut", 229, Octets(20, 0x60), "malformed ipv6"},
        {"tcp header too short", kRaw, ipv4(6, 20) + short_header, "malformed tcp"},
        {"tcp header beyond the payload", kRaw, ipv4(6, 20) + long_header, "malformed tcp"},
    };
}

TEST(Dissect, NamesWhatAFrameIs) {
    for (const Named& named : named_frames()) {
        EXPECT_EQ(kind(take(named.frame, named.link_type)), named.expected) << named.name;
    }
}

TEST(Dissect, ACutFrameIsNothingWorseThanCut) {
    for (const Named& named : named_frames()) {
        const auto whole = static_cast<std::uint32_t>(named.frame.size());
        for (std::size_t length = 0; length < whole; ++length) {
            const Octets cut(named.frame.begin(),
                             named.frame.begin() + static_cast<std::ptrdiff_t>(length));
            const std::string got = kind(take(cut, named.link_type, {}, whole));
            const bool good =
                got == "packet_cut" || got == "fragment_short" || got == named.expected;
            EXPECT_TRUE(good) << named.name << " cut at " << length << ": " << got;
        }
    }
}

TEST(Dissect, ChecksumModesDropWhatIsWrong) {
    const DissectOptions both{ChecksumMode::ip_and_tcp, false};
    Octets packet = ipv4(6, 20) + tcp();
    EXPECT_EQ(kind(take(packet, kRaw, both)), "checksum_tcp_bad");
    EXPECT_EQ(kind(take(packet, kRaw, {ChecksumMode::ip, false})), "segment");
    packet[36] = 0x84;  // the pseudo-header's sum, as transmit offload leaves it
    packet[37] = 0x1e;
    EXPECT_EQ(kind(take(packet, kRaw, both)), "segment");
    const Dissected cut = take(Octets(packet.begin(), packet.end()), kRaw, both, 100);
    EXPECT_FALSE(std::get<Segment>(cut).checksum_unverified) << "all of the segment is there";
    packet[10] ^= 1U;
    EXPECT_EQ(kind(take(packet, kRaw, {ChecksumMode::ip, false})), "checksum_ip_bad");
    EXPECT_EQ(kind(take(packet, kRaw)), "segment");
}

TEST(Dissect, SurvivesRandomBytes) {
    std::mt19937 random(1);
    for (int i = 0; i < 200'000; ++i) {
        const std::vector<Named> frames = i % 20'000 == 0 ? named_frames() : std::vector<Named>{};
        Octets octets(random() % 120);
        for (std::uint8_t& octet : octets) {
            octet = static_cast<std::uint8_t>(random());
        }
        static constexpr std::uint32_t kTypes[] = {0, 1, 12, 101, 108, 113, 228, 229, 276};
        take(octets, kTypes[random() % 9], {ChecksumMode::none, true},
             static_cast<std::uint32_t>(random() % 200));
        for (const Named& named : frames) {
            Octets changed = named.frame;
            changed[random() % changed.size()] ^= static_cast<std::uint8_t>(random());
            take(changed, named.link_type, {ChecksumMode::ip_and_tcp, true});
        }
    }
}

}  // namespace
}  // namespace tcpeek
