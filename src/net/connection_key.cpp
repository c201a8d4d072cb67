#include "net/connection_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace tcpeek {
namespace {

using PackedEndpoint = std::array<std::uint8_t, 18>;

PackedEndpoint pack(const Endpoint& endpoint) {
    PackedEndpoint packed;
    std::memcpy(packed.data(), endpoint.address.octets().data(), 16);
    packed[16] = static_cast<std::uint8_t>(endpoint.port >> 8U);
    packed[17] = static_cast<std::uint8_t>(endpoint.port & 0xffU);
    return packed;
}

}  // namespace

ConnectionKey ConnectionKey::of(const Endpoint& a, const Endpoint& b) {
    ConnectionKey key;
    key.family_ = a.address.family();
    const PackedEndpoint packed_a = pack(a);
    const PackedEndpoint packed_b = pack(b);
    const bool a_first = std::memcmp(packed_a.data(), packed_b.data(), kPackedEndpoint) <= 0;
    const PackedEndpoint& first = a_first ? packed_a : packed_b;
    const PackedEndpoint& second = a_first ? packed_b : packed_a;
    std::memcpy(key.packed_.data(), first.data(), kPackedEndpoint);
    std::memcpy(key.packed_.data() + kPackedEndpoint, second.data(), kPackedEndpoint);
    return key;
}

bool ConnectionKey::first_is(const Endpoint& endpoint) const {
    return std::memcmp(packed_.data(), pack(endpoint).data(), kPackedEndpoint) == 0;
}

bool ConnectionKey::is_self() const {
    return std::memcmp(packed_.data(), packed_.data() + kPackedEndpoint, kPackedEndpoint) == 0;
}

std::uint64_t ConnectionKey::hash(std::uint64_t seed) const {
    return XXH3_64bits_withSeed(packed_.data(), packed_.size(), seed);
}

Endpoint ConnectionKey::unpack(std::size_t offset) const {
    const std::span<const std::uint8_t, 16> octets(packed_.data() + offset, 16);
    Endpoint endpoint;
    endpoint.address =
        family_ == IpFamily::v4 ? IpAddress::v4(octets.last<4>()) : IpAddress::v6(octets);
    endpoint.port = static_cast<std::uint16_t>(packed_[offset + 16] << 8U | packed_[offset + 17]);
    return endpoint;
}

}  // namespace tcpeek
