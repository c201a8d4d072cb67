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
    static ConnectionKey of(const Endpoint& a, const Endpoint& b);

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
    // bucket.
    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const;

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
    [[nodiscard]] Endpoint unpack(unsigned place) const;

    alignas(4) std::array<std::uint8_t, 32> addresses_{};
    std::uint32_t ports_ = 0;  // of the first, then of the second
    std::uint8_t is_v4_ = 0;
};

}  // namespace tcpeek
