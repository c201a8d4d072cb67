// Tells copies that the capture made (the same packet seen on several interfaces, bridges or
// mirrors) from retransmissions.
#pragma once

#include <cstdint>
#include <memory>

#include "base/timestamp.h"
#include "dissect/dissected.h"

namespace tcpeek {

// Remembers what it was shown for 2 ms of tracker time. Memory is bounded: above kCapacity packets
// within 2 ms the oldest is forgotten, and a copy of it would look like a retransmission.
class CopyDetector {
  public:
    static constexpr Duration kWindow = Duration::milliseconds(2);
    static constexpr std::uint32_t kCapacity = 16'384;

    // `seed` keeps fingerprints unforeseeable for whoever sends the packets.
    explicit CopyDetector(std::uint64_t seed);

    // What a router or bridge leaves alone: addresses, ports, flags, seq, ack, payload length, and
    // IPv4 identification and TSval where there are some. TTL, marks, checksums may differ.
    // `pair_hash` stands for addresses and ports, `source_is_first` for the direction.
    [[nodiscard]] std::uint64_t fingerprint(const Segment& segment, std::uint64_t pair_hash,
                                            bool source_is_first) const;
    [[nodiscard]] std::uint64_t fingerprint(const IcmpError& error) const;

    // Whether a packet of this fingerprint was first shown at most 2 ms before `now`; else it is
    // remembered as the first of its kind. `now` never goes back.
    bool is_copy(std::uint64_t fingerprint, Timestamp now);
    // The same question, and nothing is remembered.
    [[nodiscard]] bool was_shown(std::uint64_t fingerprint, Timestamp now) const;

  private:
    // Packets are numbered from 1 on. Their places are taken again in the same order, so a chain
    // ends where it leads to a packet that is forgotten, and forgetting costs nothing.
    using Number = std::uint64_t;
    struct Seen {
        std::uint64_t fingerprint = 0;
        Timestamp at;
        Number before = 0;  // the one shown before it in the same chain
    };
    // Few, with few octets each, so that they stay in the first-level cache.
    static constexpr std::uint32_t kChains = 4'096;

    [[nodiscard]] Seen& place(Number number) const { return seen_.get()[number % kCapacity]; }

    // The chain where a fingerprint would be: of the number of its newest packet, the low half.
    [[nodiscard]] std::uint32_t& chain(std::uint64_t fingerprint) const {
        return chains_.get()[fingerprint % kChains];
    }
    // A chain that nothing was added to while numbers went once through their low half may seem to
    // begin with some other packet, which has its own fingerprint.
    [[nodiscard]] Number newest(std::uint32_t chain) const {
        return next_ - 1 - static_cast<std::uint32_t>(next_ - 1 - chain);
    }

    std::uint64_t seed_;
    std::unique_ptr<Seen[]> seen_;
    std::unique_ptr<std::uint32_t[]> chains_;
    Number first_ = 1;  // the oldest that is remembered
    Number next_ = 1;
};

}  // namespace tcpeek
