// The unordered pair of endpoints that names a connection, packed for hashing and comparison.
#pragma once

#include <array>
#include <cstdint>

#include "net/endpoint.h"

namespace tcpeek {

// 37 bytes; the smaller endpoint (by address, then port) stands first whoever sent the segment.
class ConnectionKey {
  public:
    ConnectionKey() = default;
    // Both endpoints are of one family, as those of one packet are.
    static ConnectionKey of(const Endpoint& a, const Endpoint& b);

    // Whether `endpoint` is the one that stands first. For a connection of an endpoint with itself
    // both are.
    [[nodiscard]] bool first_is(const Endpoint& endpoint) const;
    [[nodiscard]] Endpoint first() const { return unpack(0); }
    [[nodiscard]] Endpoint second() const { return unpack(kPackedEndpoint); }
    // An endpoint connected to itself.
    [[nodiscard]] bool is_self() const;

    // A hash that cannot be foreseen without `seed`, so that hostile packets cannot aim at one
    // bucket.
    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const;

    friend bool operator==(const ConnectionKey&, const ConnectionKey&) = default;

  private:
    static constexpr std::size_t kPackedEndpoint = 18;  // 16 octets of address, 2 of port

    [[nodiscard]] Endpoint unpack(std::size_t offset) const;

    std::array<std::uint8_t, 2 * kPackedEndpoint> packed_{};
    IpFamily family_ = IpFamily::v6;
};

}  // namespace tcpeek
