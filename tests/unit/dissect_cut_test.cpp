// Headers that end too early or contradict themselves, for each link type and tunnel: a frame cut
// anywhere before its TCP header ends is no segment, and is never called malformed when the capture
// cut it.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "dissect/dissect.h"
#include "octets.h"

namespace tcpeek {
namespace {

Octets u16(std::size_t number) {
    return {static_cast<std::uint8_t>(number >> 8U), static_cast<std::uint8_t>(number)};
}

Octets ethernet(std::uint16_t type) {
    return Octets(12, 0x02) + u16(type);
}

Octets ipv4(std::uint8_t protocol, const Octets& payload) {
    return Octets{0x45, 0} + u16(20 + payload.size()) +
           Octets{0x12, 0x34, 0x40, 0, 64, protocol, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2} + payload;
}

Octets ipv6(std::uint8_t next_header, const Octets& payload) {
    Octets address(16, 0);
    address[0] = 0x20;
    return Octets{0x60, 0, 0, 0} + u16(payload.size()) + Octets{next_header, 64} + address +
           address + payload;
}

Octets udp(std::uint16_t port, const Octets& payload) {
    return ipv4(17, u16(40'000) + u16(port) + u16(8 + payload.size()) + u16(0) + payload);
}

const Octets kTcp{0x9c, 0x40, 0, 80, 1, 2, 3, 4, 0, 0, 0, 0, 0x50, 0x02, 0xff, 0xff, 0, 0, 0, 0};
const Octets kSyn = ipv4(6, kTcp);
const Octets kSyn6 = ipv6(6, kTcp);
const Octets kInEthernet = ethernet(0x0800) + kSyn;

std::string kind(const Octets& octets, std::uint32_t link_type, std::size_t original) {
    Frame frame;
    frame.bytes = octets;
    frame.original_length = static_cast<std::uint32_t>(original);
    frame.link_type = {link_type};
    const Dissected dissected = dissect(frame, {ChecksumMode::none, true});
    if (const auto* ignored = std::get_if<Ignored>(&dissected)) {
        return std::string(to_string(ignored->why));
    }
    if (const auto* malformed = std::get_if<Malformed>(&dissected)) {
        return "malformed " + std::string(to_string(malformed->layer));
    }
    return std::holds_alternative<Segment>(dissected) ? "segment" : "icmp";
}

constexpr std::uint32_t kNull = 0;
constexpr std::uint32_t kEthernet = 1;
constexpr std::uint32_t kPpp = 9;
constexpr std::uint32_t kPppoe = 51;
constexpr std::uint32_t kRaw = 101;
constexpr std::uint32_t kCiscoHdlc = 104;
constexpr std::uint32_t kWireless = 105;
constexpr std::uint32_t kSll = 113;
constexpr std::uint32_t kRadiotap = 127;
constexpr std::uint32_t kPppWithDirection = 166;
constexpr std::uint32_t kNflog = 239;
constexpr std::uint32_t kSll2 = 276;

struct Sample {
    std::string name;
    std::uint32_t link_type;
    Octets octets;
    std::string expected = "segment";
};

const Octets kSnap{0xaa, 0xaa, 3, 0, 0, 0, 8, 0};
const Octets kData80211 = Octets{0x08, 0x01, 0, 0} + Octets(18, 2) + Octets{0, 0};
const Octets kHtData80211 = Octets{0x88, 0x83, 0, 0} + Octets(18, 2) + Octets{0, 0} + Octets(6, 2) +
                            Octets{0, 0} + Octets(4, 0);

std::vector<Sample> whole() {
    return {
        {"null", kNull, Octets{2, 0, 0, 0} + kSyn},
        {"ethernet", kEthernet, kInEthernet},
        {"LLC", kEthernet, Octets(12, 2) + u16(8 + kSyn.size()) + kSnap + kSyn},
        {"tags", kEthernet, ethernet(0x88a8) + Octets{0, 1, 0x81, 0, 0, 2, 8, 0} + kSyn},
        {"802.1ah", kEthernet, ethernet(0x88e7) + Octets(4, 0) + kInEthernet},
        {"MPLS", kEthernet, ethernet(0x8847) + Octets{0, 0x11, 1, 64} + kSyn},
        {"MPLS and Ethernet", kEthernet, ethernet(0x8847) + Octets{0, 0x11, 1, 64} + kInEthernet},
        {"PPP", kPpp, Octets{0xff, 3, 0, 0x21} + kSyn},
        {"PPP with direction", kPppWithDirection, Octets{1, 0xff, 3, 0, 0x21} + kSyn},
        {"Cisco HDLC", kCiscoHdlc, Octets{0x0f, 0, 8, 0} + kSyn},
        {"PPPoE", kPppoe, Octets{0x11, 0, 0, 1} + u16(kSyn.size() + 2) + Octets{0, 0x21} + kSyn},
        {"802.11", kWireless, kData80211 + kSnap + kSyn},
        {"802.11 with QoS, HT and a fourth address", kWireless, kHtData80211 + kSnap + kSyn},
        {"radiotap", kRadiotap, Octets{0, 0, 8, 0, 0, 0, 0, 0} + kData80211 + kSnap + kSyn},
        {"SLL", kSll, Octets{0, 0, 0, 1, 0, 6} + Octets(8, 2) + Octets{8, 0} + kSyn},
        {"SLL2", kSll2, Octets{8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6} + Octets(8, 2) + kSyn},
        {"NFLOG", kNflog, Octets{2, 0, 0, 0, 5, 0, 10, 0, 'x', 0, 0, 0, 44, 0, 9, 0} + kSyn},
        {"IP in IP", kRaw, ipv4(4, kSyn)},
        {"authentication header", kRaw, ipv4(51, Octets{6, 4} + Octets(22, 0) + kTcp)},
        {"extension headers", kRaw,
         ipv6(0, Octets{43, 0, 5, 2, 0, 0, 0, 0} + Octets{60, 0, 0, 0, 0, 0, 0, 0} +
                     Octets{6, 0, 1, 4, 0, 0, 0, 0} + kTcp)},
        {"GRE", kRaw, ipv4(47, Octets{0xb0, 0, 8, 0} + Octets(12, 0) + kSyn)},
        {"ERSPAN II", kRaw,
         ipv4(47, Octets{0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10} + Octets(7, 0) + kInEthernet)},
        {"ERSPAN III", kRaw,
         ipv4(47, Octets{0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20} + Octets(10, 0) + Octets{1} +
                      Octets(8, 0) + kInEthernet)},
        {"L2TP", kRaw, ipv4(115, Octets{0, 0, 0, 7} + kInEthernet)},
        {"L2TP with a cookie", kRaw, ipv4(115, Octets{0, 0, 0, 7} + Octets(8, 0xc0) + kInEthernet)},
        {"VXLAN", kRaw, udp(4789, Octets{8} + Octets(7, 0) + kInEthernet)},
        {"VXLAN GPE, no protocol", kRaw, udp(4790, Octets{8} + Octets(7, 0) + kInEthernet)},
        {"VXLAN GPE, IPv4", kRaw, udp(4790, Octets{0x0c, 0, 0, 1, 0, 0, 0, 0} + kSyn)},
        {"VXLAN GPE, IPv6", kRaw, udp(4790, Octets{0x0c, 0, 0, 2, 0, 0, 0, 0} + kSyn6)},
        {"VXLAN GPE, Ethernet", kRaw, udp(4790, Octets{0x0c, 0, 0, 3, 0, 0, 0, 0} + kInEthernet)},
        {"VXLAN GPE, MPLS", kRaw,
         udp(4790, Octets{0x0c, 0, 0, 5, 0, 0, 0, 0, 0, 0x11, 1, 64} + kSyn)},
        {"Geneve", kRaw, udp(6081, Octets{1, 0, 0x65, 0x58} + Octets(8, 0) + kInEthernet)},
        {"GTP", kRaw,
         udp(2152, Octets{0x34, 255} + Octets(9, 0) + Octets{0x85, 1, 0, 0, 0} + kSyn)},
        {"Teredo", kRaw,
         udp(3544, Octets{0, 1, 2, 1} + Octets(12, 7) + Octets{0, 0} + Octets(6, 7) + kSyn6)},
    };
}

TEST(DissectCut, NoPartOfAHeaderIsASegment) {
    for (const Sample& sample : whole()) {
        const Octets& octets = sample.octets;
        EXPECT_EQ(kind(octets, sample.link_type, octets.size()), "segment") << sample.name;
        for (std::size_t size = 0; size < octets.size(); ++size) {
            const Octets part(octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size));
            const std::string cut = kind(part, sample.link_type, octets.size());
            EXPECT_NE(cut, "segment") << sample.name << " cut to " << size;
            EXPECT_EQ(cut.find("malformed"), std::string::npos)
                << sample.name << " cut to " << size << ": " << cut;
            EXPECT_NE(kind(part, sample.link_type, size), "segment")
                << sample.name << " of " << size;
        }
    }
}

TEST(DissectCut, SaysWhatContradictsItselfOrIsOfNoInterest) {
    const std::vector<Sample> samples{
        {"VXLAN without an identifier", kRaw, udp(4789, Octets(8, 0) + kInEthernet),
         "malformed tunnel"},
        {"VXLAN GPE with another protocol", kRaw,
         udp(4790, Octets{0x0c, 0, 0, 4, 0, 0, 0, 0} + kSyn), "protocol_not_ip"},
        {"Geneve of a later version", kRaw,
         udp(6081, Octets{0x40, 0, 0x65, 0x58} + Octets(4, 0) + kInEthernet), "malformed tunnel"},
        {"Geneve with ARP", kRaw, udp(6081, Octets{0, 0, 8, 6} + Octets(4, 0)), "protocol_not_ip"},
        {"GTP extension of no length", kRaw,
         udp(2152, Octets{0x34, 255} + Octets(9, 0) + Octets{0x85, 0, 0, 0, 0} + kSyn),
         "malformed tunnel"},
        {"GTP control message", kRaw, udp(2152, Octets{0x32, 1} + Octets(10, 0)),
         "protocol_not_tcp"},
        {"GTP of version 2", kRaw, udp(2152, Octets{0x48, 255} + Octets(10, 0)),
         "protocol_not_tcp"},
        {"Teredo with IPv4", kRaw, udp(3544, kSyn), "protocol_not_tcp"},
        {"L2TP control message", kRaw, ipv4(115, Octets(4, 0) + kInEthernet), "protocol_not_tcp"},
        {"L2TP without IP", kRaw, ipv4(115, Octets(40, 7)), "protocol_not_tcp"},
        {"LLC of another service", kEthernet, Octets(12, 2) + u16(40) + Octets(40, 0x42),
         "protocol_not_ip"},
        {"SNAP of another organisation", kEthernet,
         Octets(12, 2) + u16(28) + Octets{0xaa, 0xaa, 3, 0, 0, 0x0c, 0x20, 0} + kSyn,
         "protocol_not_ip"},
        {"NFLOG of a later version", kNflog, Octets{2, 1, 0, 0, 44, 0, 9, 0} + kSyn,
         "protocol_not_ip"},
        {"NFLOG attribute shorter than its header", kNflog, Octets{2, 0, 0, 0, 3, 0, 10, 0},
         "malformed link"},
        {"NFLOG without a packet", kNflog, Octets{2, 0, 0, 0, 4, 0, 10, 0}, "protocol_not_ip"},
        {"NFLOG of the other byte order", kNflog, Octets{2, 0, 0, 0, 0, 44, 0, 9} + kSyn,
         "segment"},
        {"802.11 encrypted", kWireless,
         Octets{0x08, 0x41, 0, 0} + Octets(18, 2) + Octets{0, 0} + kSnap + kSyn, "encrypted"},
        {"802.11 later fragment", kWireless,
         Octets{0x08, 0x01, 0, 0} + Octets(18, 2) + Octets{1, 0} + kSnap + kSyn, "fragment_later"},
        {"802.11 beacon", kWireless, Octets{0x80, 0, 0, 0} + Octets(20, 2) + kSyn,
         "protocol_not_ip"},
        {"802.11 without data", kWireless, Octets{0x48, 1, 0, 0} + Octets(20, 2),
         "protocol_not_ip"},
        {"netlink in SLL", kSll, Octets{0, 0, 3, 0x38, 0, 0} + Octets(8, 0) + Octets{8, 0} + kSyn,
         "protocol_not_ip"},
    };
    for (const Sample& sample : samples) {
        EXPECT_EQ(kind(sample.octets, sample.link_type, sample.octets.size()), sample.expected)
            << sample.name;
    }
}

}  // namespace
}  // namespace tcpeek
