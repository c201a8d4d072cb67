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
    for (const Octets& frame : {concatenated({ethernet(8, 0), kIpv4, kTcp}),
                                concatenated({ethernet(0x86, 0xdd), kIpv6, kTcp})}) {
        EXPECT_TRUE(both_ways_agree(frame, static_cast<std::uint32_t>(frame.size())));
    }
}

TEST(PlainTcp, ForgetsTheSegmentBeforeIt) {
    const Octets with_options = concatenated({ethernet(8, 0), kIpv4, kTcp});
    Octets without = concatenated({ethernet(0x86, 0xdd), kIpv6, kTcp});
    without[14 + 40 + 12] = 0x50;
    Dissected result;
    Frame frame;
    frame.link_type = {1};
    frame.bytes = with_options;
    ASSERT_TRUE(dissect_plain_tcp(frame, result));
    frame.bytes = without;
    ASSERT_TRUE(dissect_plain_tcp(frame, result));
    Dissected in_layers;
    dissect_in_layers(frame, {}, in_layers);
    EXPECT_EQ(result, in_layers);
}

TEST(PlainTcp, AgreesWhereverTheFrameIsCutAndPadded) {
    for (const Octets& frame : {concatenated({ethernet(8, 0), kIpv4, kTcp}),
                                concatenated({ethernet(0x86, 0xdd), kIpv6, kTcp})}) {
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
    for (const Octets& frame : {concatenated({ethernet(8, 0), kIpv4, kTcp}),
                                concatenated({ethernet(0x86, 0xdd), kIpv6, kTcp})}) {
        const auto length = static_cast<std::uint32_t>(frame.size());
        for (std::size_t place = 0; place < frame.size(); ++place) {
            Octets changed = frame;
            for (unsigned value = 0; value < 256; ++value) {
                changed[place] = static_cast<std::uint8_t>(value);
                both_ways_agree(changed, length);
            }
        }
        for (int round = 0; round < 100'000; ++round) {
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
