// The control bits of a TCP header (RFC 9293 3.1).
#pragma once

#include <cstdint>

namespace tcpeek {

struct TcpFlags {
    static constexpr std::uint8_t kFin = 0x01;
    static constexpr std::uint8_t kSyn = 0x02;
    static constexpr std::uint8_t kRst = 0x04;
    static constexpr std::uint8_t kAck = 0x10;

    std::uint8_t bits = 0;

    [[nodiscard]] constexpr bool fin() const { return (bits & kFin) != 0; }
    [[nodiscard]] constexpr bool syn() const { return (bits & kSyn) != 0; }
    [[nodiscard]] constexpr bool rst() const { return (bits & kRst) != 0; }
    [[nodiscard]] constexpr bool ack() const { return (bits & kAck) != 0; }

    friend constexpr bool operator==(TcpFlags, TcpFlags) = default;
};

}  // namespace tcpeek
