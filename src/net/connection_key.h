// The unordered pair of endpoints that names a connection, packed for hashing and comparison.
#pragma once

#include <array>
#include <cstdint>

#include "net/endpoint.h"

namespace tcpeek {

// The smaller endpoint (by address, then port) stands first whoever sent the segment.
class ConnectionKey {
  public:
    ConnectionKey() = default;
    // Both endpoints are of one family, as those of one packet are.
    static ConnectionKey of(const Endpoint& a, const Endpoint& b);

    // Whether `endpoint` is the one that stands first. For a connection of an endpoint with itself
    // both are.
    [[nodiscard]] bool first_is(const Endpoint& endpoint) const;
    [[nodiscard]] Endpoint first() const { return unpack(0); }
    [[nodiscard]] Endpoint second() const { return unpack(1); }
    // An endpoint connected to itself.
    [[nodiscard]] bool is_self() const;

    // A hash that cannot be foreseen without `seed`, so that hostile packets cannot aim at one
    // bucket.
    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const;

    friend bool operator==(const ConnectionKey& a, const ConnectionKey& b) {
        return ((a.words_[0] ^ b.words_[0]) | (a.words_[1] ^ b.words_[1]) |
                (a.words_[2] ^ b.words_[2]) | (a.words_[3] ^ b.words_[3]) | (a.ends_ ^ b.ends_)) ==
               0;
    }

  private:
    // An endpoint as three numbers whose order is that of its octets.
    struct Packed {
        std::uint64_t high;
        std::uint64_t low;
        std::uint16_t port;
    };
    static Packed pack(const Endpoint& endpoint);
    [[nodiscard]] Endpoint unpack(unsigned place) const;

    // Whole words, since single octets cost several times as much on the way of every packet: the
    // addresses (high, low, high, low), then family and both ports.
    std::array<std::uint64_t, 4> words_{};
    std::uint64_t ends_ = 0;
};

}  // namespace tcpeek
