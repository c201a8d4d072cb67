// The name of a connection: the same from both ends, and another for every other pair.
#include "net/connection_key.h"

#include <gtest/gtest.h>

#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace tcpeek {
namespace {

constexpr std::uint64_t kSeed = 0x0123'4567'89ab'cdef;

Endpoint endpoint(const std::string& address, std::uint16_t port) {
    return {*IpAddress::parse(address), port};
}

using Pair = std::pair<Endpoint, Endpoint>;

// Pairs that differ in one thing each: which end is greater by address or by port, in every part of
// an address that is compared on its own.
std::vector<Pair> pairs() {
    return {
        {endpoint("192.0.2.1", 40'000), endpoint("192.0.2.2", 80)},
        {endpoint("192.0.2.1", 80), endpoint("192.0.2.2", 40'000)},
        {endpoint("192.0.2.1", 40'000), endpoint("192.0.2.1", 80)},
        {endpoint("10.0.0.1", 80), endpoint("11.0.0.1", 80)},
        {endpoint("255.255.255.255", 65'535), endpoint("0.0.0.0", 0)},
        {endpoint("::ffff:192.0.2.1", 40'000), endpoint("::ffff:192.0.2.2", 80)},
        {endpoint("2001:db8::1", 40'000), endpoint("2001:db8::2", 80)},
        {endpoint("2001:db8::1", 40'000), endpoint("2001:db8::1", 80)},
        {endpoint("2001:db8::1", 80), endpoint("2001:db9::1", 80)},
        {endpoint("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65'535), endpoint("::", 0)},
    };
}

TEST(ConnectionKey, IsTheSameFromBothEnds) {
    for (const auto& [a, b] : pairs()) {
        SCOPED_TRACE(to_string(a) + " " + to_string(b));
        const ConnectionKey key = ConnectionKey::of(a, b);
        EXPECT_EQ(key, ConnectionKey::of(b, a));
        EXPECT_EQ(key.hash(kSeed), ConnectionKey::of(b, a).hash(kSeed));
        EXPECT_NE(key.hash(kSeed), key.hash(kSeed + 1));
        EXPECT_EQ(key.hash(kSeed), ConnectionKey::hash_of(a, b, kSeed));
        EXPECT_EQ(key.hash(kSeed), ConnectionKey::hash_of(b, a, kSeed));
        EXPECT_FALSE(key.is_self());
        EXPECT_NE(key.first_is(a), key.first_is(b));
        EXPECT_EQ(key.first(), key.first_is(a) ? a : b);
        EXPECT_EQ(key.second(), key.first_is(a) ? b : a);
    }
}

TEST(ConnectionKey, OfAnEndpointWithItself) {
    for (const char* address : {"192.0.2.1", "2001:db8::1"}) {
        const Endpoint self = endpoint(address, 80);
        const ConnectionKey key = ConnectionKey::of(self, self);
        EXPECT_TRUE(key.is_self());
        EXPECT_TRUE(key.first_is(self));
        EXPECT_EQ(key.first(), self);
        EXPECT_EQ(key.second(), self);
    }
}

// `endpoint` with one bit changed, for each bit of its significant octets and of its port.
std::vector<Endpoint> neighbours(const Endpoint& endpoint) {
    std::vector<Endpoint> all;
    const auto octets = endpoint.address.significant();
    for (std::size_t bit = 0; bit < octets.size() * 8; ++bit) {
        std::vector<std::uint8_t> changed(octets.begin(), octets.end());
        changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1U << bit % 8);
        const std::span<const std::uint8_t> view(changed);
        all.push_back({endpoint.address.is_v4() ? IpAddress::v4(view.first<4>())
                                                : IpAddress::v6(view.first<16>()),
                       endpoint.port});
    }
    for (unsigned bit = 0; bit < 16; ++bit) {
        all.push_back({endpoint.address, static_cast<std::uint16_t>(endpoint.port ^ 1U << bit)});
    }
    return all;
}

// None of these hashes collide, which is no promise of the function but of these inputs: a part of
// the key that is left out of the hash shows.
TEST(ConnectionKey, EveryBitMakesAnotherKeyAndAnotherHash) {
    for (const auto& [a, b] :
         {Pair(endpoint("192.0.2.1", 40'000), endpoint("198.51.100.9", 80)),
          Pair(endpoint("2001:db8::1:2:3", 40'000), endpoint("2001:db8:77::9", 80)),
          Pair(endpoint("::ffff:192.0.2.1", 40'000), endpoint("::ffff:198.51.100.9", 80))}) {
        const ConnectionKey key = ConnectionKey::of(a, b);
        std::vector<ConnectionKey> others;
        for (const Endpoint& other : neighbours(a)) {
            others.push_back(ConnectionKey::of(other, b));
        }
        for (const Endpoint& other : neighbours(b)) {
            others.push_back(ConnectionKey::of(a, other));
        }
        std::set<std::uint64_t> hashes{key.hash(kSeed)};
        for (const ConnectionKey& other : others) {
            EXPECT_FALSE(other == key);
            hashes.insert(other.hash(kSeed));
        }
        EXPECT_EQ(hashes.size(), others.size() + 1);
    }
}

TEST(ConnectionKey, AMappedAddressIsNoIpv4Address) {
    const ConnectionKey v4 =
        ConnectionKey::of(endpoint("192.0.2.1", 40'000), endpoint("192.0.2.2", 80));
    const ConnectionKey v6 =
        ConnectionKey::of(endpoint("::ffff:192.0.2.1", 40'000), endpoint("::ffff:192.0.2.2", 80));
    EXPECT_FALSE(v4 == v6);
    EXPECT_NE(v4.hash(kSeed), v6.hash(kSeed));
    EXPECT_TRUE(v4.first().address.is_v4());
    EXPECT_FALSE(v6.first().address.is_v4());
}

}  // namespace
}  // namespace tcpeek
