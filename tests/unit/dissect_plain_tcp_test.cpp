// The short way through the dissector against the protocols one after another.
#include "dissect/plain_tcp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "dissect/dissect.h"

namespace tcpeek {
namespace {

using Octets = std::vector<std::uint8_t>;

Octets concatenated(std::initializer_list<Octets> pieces) {
    Octets all;
    for (const Octets& piece : pieces) {
        all.insert(all.end(), piece.begin(), piece.end());
    }
    return all;
}

Octets ethernet(std::uint8_t high, std::uint8_t low) {
    return {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, high, low};
}

const Octets kIpv4{0x45, 0, 0, 60, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2};
const Octets kIpv6 = concatenated({{0x60, 0, 0, 0, 0, 40, 6, 64},
                                   {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1},
                                   {0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}});
// Timestamps behind two that do nothing, then eight octets of payload.
const Octets kTcp{0x9c, 0x40, 0, 80, 1,   2,   3,   4,   5,   6,   7,   8, 0x80, 0x12,
                  0xff, 0xff, 0, 0,  0,   0,   1,   1,   8,   10,  0,   0, 0,    9,
                  0,    0,    0, 7,  'p', 'a', 'y', 'l', 'o', 'a', 'd', 0};

// Options as a SYN has them: timestamps among others, and not at the place where they mostly are.
const Octets kSyn{0x9c, 0x40, 0, 80,   1, 2, 3, 4,  0, 0, 0, 0, 0xa0, 2, 0xff, 0xff, 0, 0, 0, 0,
                  2,    4,    5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 9, 0,    0, 0,    7,    1, 3, 3, 7};

std::vector<Octets> plain_frames() {
    std::vector<Octets> frames;
    for (const Octets& tcp : {kTcp, kSyn}) {
        frames.push_back(concatenated({ethernet(8, 0), kIpv4, tcp}));
        frames.push_back(concatenated({ethernet(0x86, 0xdd), kIpv6, tcp}));
    }
    return frames;
}

// Returns whether the short way was taken.
bool both_ways_agree(const Octets& octets, std::uint32_t original_length) {
    Frame frame;
    frame.bytes = octets;
    frame.original_length = original_length;
    frame.link_type = {1};
    Dissected in_layers;
    dissect_in_layers(frame, {}, in_layers);
    EXPECT_EQ(dissect(frame, {}), in_layers) << testing::PrintToString(octets);
    Dissected result;
    const bool plain = dissect_plain_tcp(frame, result);
    EXPECT_TRUE(!plain || result == in_layers) << testing::PrintToString(octets);
    return plain;
}

TEST(PlainTcp, IsReadInBothFamilies) {
    for (const Octets& frame : plain_frames()) {
        EXPECT_TRUE(both_ways_agree(frame, static_cast<std::uint32_t>(frame.size())));
    }
}

// A value for every member that no plain frame leaves there.
Segment full_segment() {
    Segment segment;
    segment.source = {*IpAddress::parse("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), 0xffff};
    segment.destination = segment.source;
    segment.seq = {0xffffffff};
    segment.ack = {0xffffffff};
    segment.flags = {0xff};
    segment.has_ip_id = true;
    segment.ip_id = 0xffff;
    segment.payload_length = 0xffffffff;
    segment.has_timestamps = true;
    segment.checksum_unverified = true;
    segment.timestamps = {0xffffffff, 0xffffffff};
    segment.encapsulation.vlans.fill(0xffff);
    segment.encapsulation.tunnels.fill(Tunnel::vxlan);
    segment.encapsulation.vlan_count = Encapsulation::kMaxVlans;
    segment.encapsulation.tunnel_count = Encapsulation::kMaxTunnels;
    return segment;
}

TEST(PlainTcp, ForgetsTheSegmentBeforeIt) {
    for (Octets octets : plain_frames()) {
        for (const bool with_options : {true, false}) {
            if (!with_options) {
                octets[octets[12] == 8 ? 14 + 20 + 12 : 14 + 40 + 12] = 0x50;
            }
            Frame frame;
            frame.link_type = {1};
            frame.bytes = octets;
            Dissected in_layers;
            dissect_in_layers(frame, {}, in_layers);
            Dissected after_another = full_segment();
            ASSERT_TRUE(dissect_plain_tcp(frame, after_another));
            EXPECT_EQ(after_another, in_layers);
            Dissected after_none = Malformed{Layer::link};
            ASSERT_TRUE(dissect_plain_tcp(frame, after_none));
            EXPECT_EQ(after_none, in_layers);
        }
    }
}

TEST(PlainTcp, AgreesWhereverTheFrameIsCutAndPadded) {
    for (const Octets& frame : plain_frames()) {
        for (std::size_t length = 0; length <= frame.size() + 12; ++length) {
            Octets cut = frame;
            cut.resize(length);
            both_ways_agree(cut, static_cast<std::uint32_t>(frame.size()));
            both_ways_agree(cut, static_cast<std::uint32_t>(length));
        }
    }
}

// Every value in every octet of the headers, and many frames with several octets that are wrong.
TEST(PlainTcp, AgreesWhateverTheOctetsAre) {
    std::minstd_rand random(1);
    for (const Octets& frame : plain_frames()) {
        const auto length = static_cast<std::uint32_t>(frame.size());
        for (std::size_t place = 0; place < frame.size(); ++place) {
            Octets changed = frame;
            for (unsigned value = 0; value < 256; ++value) {
                changed[place] = static_cast<std::uint8_t>(value);
                both_ways_agree(changed, length);
            }
        }
        for (int round = 0; round < 50'000; ++round) {
            Octets changed = frame;
            for (auto changes = random() % 6; changes > 0; --changes) {
                changed[12 + random() % (frame.size() - 12)] = static_cast<std::uint8_t>(random());
            }
            changed.resize(random() % 4 == 0 ? random() % (frame.size() + 8) : frame.size());
            both_ways_agree(changed, length + (random() % 4 == 0 ? 40 : 0));
        }
    }
}

}  // namespace
}  // namespace tcpeek
