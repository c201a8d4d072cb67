#include "net/connection_key.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tcpeek {

ConnectionKey ConnectionKey::of_v6(const Endpoint& a, const Endpoint& b) {
    const std::array<std::uint64_t, 2> of_a{word_of(a.address.octets().data()),
                                            word_of(a.address.octets().data() + 8)};
    const std::array<std::uint64_t, 2> of_b{word_of(b.address.octets().data()),
                                            word_of(b.address.octets().data() + 8)};
    const auto less = [](std::uint64_t x, std::uint64_t y) { return x < y ? 1U : 0U; };
    const auto equal = [](std::uint64_t x, std::uint64_t y) { return x == y ? 1U : 0U; };
    const std::uint64_t b_first =
        less(of_b[1], of_a[1]) |
        (equal(of_b[1], of_a[1]) &
         (less(of_b[0], of_a[0]) | (equal(of_b[0], of_a[0]) & less(b.port, a.port))));
    const std::uint64_t mask = std::uint64_t{0} - b_first;
    const std::uint64_t high = (of_a[0] ^ of_b[0]) & mask;
    const std::uint64_t low = (of_a[1] ^ of_b[1]) & mask;
    const std::array<std::uint64_t, 4> words{of_a[0] ^ high, of_a[1] ^ low, of_b[0] ^ high,
                                             of_b[1] ^ low};
    const auto ports =
        static_cast<std::uint32_t>((a.port ^ b.port) & static_cast<std::uint32_t>(mask));
    ConnectionKey key;
    std::memcpy(key.addresses_.data(), words.data(), sizeof words);
    key.ports_ = (a.port ^ ports) << 16U | (b.port ^ ports);
    return key;
}

inline std::uint64_t ConnectionKey::hash_v4(const V4Ends& ends, std::uint64_t seed) {
    return XXH3_64bits_withSeed(ends.data(), sizeof ends, seed);
}

std::uint64_t ConnectionKey::hash(std::uint64_t seed) const {
    if (is_v4_ != 0) {
        return hash_v4(
            {std::uint64_t{IpAddress::v4_word_in(octets_at(0))} << 16U | ports_ >> 16U,
             std::uint64_t{IpAddress::v4_word_in(octets_at(1))} << 16U | (ports_ & 0xffffU)},
            seed);
    }
    return hash_v6(seed);
}

std::uint64_t ConnectionKey::hash_of(const Endpoint& a, const Endpoint& b, std::uint64_t seed) {
    return a.address.is_v4() ? hash_v4(v4_ends(a, b), seed) : hash_of_v6(a, b, seed);
}

std::uint64_t ConnectionKey::hash_of_v6(const Endpoint& a, const Endpoint& b, std::uint64_t seed) {
    return of_v6(a, b).hash_v6(seed);
}

std::uint64_t ConnectionKey::hash_v6(std::uint64_t seed) const {
    const std::array<std::uint64_t, 5> all{word(0), word(1), word(2), word(3), ports_};
    return XXH3_64bits_withSeed(all.data(), sizeof all, seed);
}

Endpoint ConnectionKey::unpack(unsigned place) const {
    return {IpAddress::of_octets(octets_at(place), is_v4_ != 0 ? IpFamily::v4 : IpFamily::v6),
            static_cast<std::uint16_t>(ports_ >> (place == 0 ? 16U : 0U))};
}

}  // namespace tcpeek
