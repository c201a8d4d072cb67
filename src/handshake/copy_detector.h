// Tells copies that the capture made (the same packet seen on several interfaces, bridges or
// mirrors) from retransmissions.
#pragma once

#include <tsl/robin_map.h>

#include <boost/circular_buffer.hpp>
#include <cstdint>

#include "base/timestamp.h"
#include "dissect/dissected.h"

namespace tcpeek {

// Remembers what it was shown for 2 ms of tracker time. Memory is bounded: above kCapacity packets
// within 2 ms the oldest is forgotten, and a copy of it would look like a retransmission.
class CopyDetector {
  public:
    static constexpr Duration kWindow = Duration::milliseconds(2);
    static constexpr std::size_t kCapacity = 16'384;

    // `seed` keeps fingerprints unforeseeable for whoever sends the packets.
    explicit CopyDetector(std::uint64_t seed) : seed_(seed), seen_(kCapacity) {}

    // What a router or bridge leaves alone: addresses, ports, flags, seq, ack, payload length, and
    // IPv4 identification and TSval where there are some. TTL, marks, checksums may differ.
    [[nodiscard]] std::uint64_t fingerprint(const Segment& segment) const;
    [[nodiscard]] std::uint64_t fingerprint(const IcmpError& error) const;

    // Whether a packet of this fingerprint was first shown at most 2 ms before `now`; else it is
    // remembered as the first of its kind. `now` never goes back.
    bool is_copy(std::uint64_t fingerprint, Timestamp now);
    // The same question, and nothing is remembered.
    [[nodiscard]] bool was_shown(std::uint64_t fingerprint, Timestamp now) const;

  private:
    struct Seen {
        std::uint64_t fingerprint;
        Timestamp at;
    };

    void forget_oldest();

    std::uint64_t seed_;
    tsl::robin_map<std::uint64_t, Timestamp> first_seen_;
    boost::circular_buffer<Seen> seen_;  // in order of time
};

}  // namespace tcpeek
