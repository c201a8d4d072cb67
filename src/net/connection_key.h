// The unordered pair of endpoints that names a connection, packed for hashing and comparison.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

#include "net/endpoint.h"

namespace tcpeek {

// One endpoint stands first, the same whoever sent the segment. 37 octets without padding, which
// what follows a key in a struct may use ([[no_unique_address]]).
class ConnectionKey {
  public:
    ConnectionKey() = default;
    // Both endpoints are of one family, as those of one packet are.
    static ConnectionKey of(const Endpoint& a, const Endpoint& b) {
        return a.address.is_v4() ? of_v4(a, b) : of_v6(a, b);
    }

    // Whether `endpoint` is the one that stands first. For a connection of an endpoint with itself
    // both are.
    [[nodiscard]] bool first_is(const Endpoint& endpoint) const {
        return ((word_of(endpoint.address.octets().data()) ^ word(0)) |
                (word_of(endpoint.address.octets().data() + 8) ^ word(1)) |
                static_cast<std::uint64_t>(endpoint.port ^ (ports_ >> 16U))) == 0;
    }
    [[nodiscard]] Endpoint first() const { return unpack(0); }
    [[nodiscard]] Endpoint second() const { return unpack(1); }
    // An endpoint connected to itself.
    [[nodiscard]] bool is_self() const {
        return word(1) == word(3) && word(0) == word(2) && ports_ >> 16U == (ports_ & 0xffffU);
    }

    // A hash that cannot be foreseen without `seed`, so that hostile packets cannot aim at one
    // bucket. Of IPv4 only the octets that differ from key to key are hashed, so it is another
    // function for each family.
    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const;
    // `of(a, b).hash(seed)`, at half the cost.
    [[nodiscard]] static std::uint64_t hash_of(const Endpoint& a, const Endpoint& b,
                                               std::uint64_t seed);

    friend bool operator==(const ConnectionKey& a, const ConnectionKey& b) {
        return ((a.word(0) ^ b.word(0)) | (a.word(1) ^ b.word(1)) | (a.word(2) ^ b.word(2)) |
                (a.word(3) ^ b.word(3)) | static_cast<std::uint64_t>(a.ports_ ^ b.ports_) |
                static_cast<std::uint64_t>(a.is_v4_ ^ b.is_v4_)) == 0;
    }

  private:
    // Whole words, since single octets cost several times as much on the way of every packet.
    static std::uint64_t word_of(const std::uint8_t* octets) {
        std::uint64_t word = 0;
        std::memcpy(&word, octets, sizeof word);
        return word;
    }
    [[nodiscard]] std::uint64_t word(unsigned n) const {
        return word_of(addresses_.data() + std::size_t{n} * 8);
    }
    // The ends of an IPv4 connection in their order, each an address and a port. Which one stands
    // first does not matter, as long as it is always the same: no number is brought into host order
    // for it, and no branch depends on it, since none could be foreseen.
    using V4Ends = std::array<std::uint64_t, 2>;
    static V4Ends v4_ends(const Endpoint& a, const Endpoint& b) {
        const std::uint64_t of_a = std::uint64_t{a.address.v4_word()} << 16U | a.port;
        const std::uint64_t of_b = std::uint64_t{b.address.v4_word()} << 16U | b.port;
        const std::uint64_t swap = (of_a ^ of_b) & (std::uint64_t{0} - (of_b < of_a ? 1U : 0U));
        return {of_a ^ swap, of_b ^ swap};
    }
    static ConnectionKey of_v4(const Endpoint& a, const Endpoint& b) {
        const auto [first, second] = v4_ends(a, b);
        ConnectionKey key;
        IpAddress::put_v4_word(key.octets_at(0), static_cast<std::uint32_t>(first >> 16U));
        IpAddress::put_v4_word(key.octets_at(1), static_cast<std::uint32_t>(second >> 16U));
        key.ports_ = static_cast<std::uint32_t>(first) << 16U | static_cast<std::uint16_t>(second);
        key.is_v4_ = 1;
        return key;
    }
    static ConnectionKey of_v6(const Endpoint& a, const Endpoint& b);
    static std::uint64_t hash_v4(const V4Ends& ends, std::uint64_t seed);
    // Not inlined, since IPv4 would then save the registers that only this needs.
    [[nodiscard, gnu::noinline]] std::uint64_t hash_v6(std::uint64_t seed) const;
    [[gnu::noinline]] static std::uint64_t hash_of_v6(const Endpoint& a, const Endpoint& b,
                                                      std::uint64_t seed);
    // The address that stands first (0) or second (1).
    [[nodiscard]] const std::uint8_t* octets_at(unsigned place) const {
        return addresses_.data() + std::size_t{place} * 16;
    }
    [[nodiscard]] std::uint8_t* octets_at(unsigned place) {
        return addresses_.data() + std::size_t{place} * 16;
    }
    [[nodiscard]] Endpoint unpack(unsigned place) const;

    alignas(4) std::array<std::uint8_t, 32> addresses_{};
    std::uint32_t ports_ = 0;  // of the first, then of the second
    std::uint8_t is_v4_ = 0;
};

}  // namespace tcpeek
