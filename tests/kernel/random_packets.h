// Handshakes as hosts make them, and as they never would: packets of one pair of endpoints, or of
// two, whose numbers mostly fit.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

#include "dissect/frame.h"

namespace tcpeek {

class RandomPackets {
  public:
    explicit RandomPackets(std::uint64_t seed) : dice_(seed) {}

    // The next packet of a sequence, an Ethernet frame; false at its end. The frame's octets are
    // valid until the next call.
    bool next(Frame& frame);
    // Another sequence, later.
    void begin();

  private:
    // What one end sends: flags and numbers.
    struct Segment {
        bool from_client = true;
        std::uint8_t flags = 0;
        std::uint32_t seq = 0;
        std::uint32_t ack = 0;
        std::uint32_t payload = 0;
    };

    std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(dice_() % sides); }
    [[nodiscard]] Segment plausible();
    [[nodiscard]] Segment odd();
    void write(const Segment& segment);

    std::mt19937_64 dice_;
    std::vector<std::uint8_t> octets_;
    std::array<std::pair<Timestamp, std::vector<std::uint8_t>>, 8> recent_;
    Timestamp time_{1'700'000'000'000'000'000};
    unsigned left_ = 0;  // packets of this sequence
    unsigned step_ = 0;  // of the plausible handshake
    bool is_v6_ = false;
    bool syns_are_odd_ = false;  // in a form that the kernel filter cannot tell, unlike the rest
    std::uint16_t port_ = 0;     // the client's
    std::uint32_t client_isn_ = 0;
    std::uint32_t server_isn_ = 0;
};

}  // namespace tcpeek
