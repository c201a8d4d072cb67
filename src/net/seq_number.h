// TCP sequence numbers: arithmetic and comparison modulo 2^32 (RFC 9293 3.4).
#pragma once

#include <cstdint>

namespace tcpeek {

struct SeqNumber {
    std::uint32_t value = 0;

    friend constexpr bool operator==(SeqNumber, SeqNumber) = default;
    friend constexpr SeqNumber operator+(SeqNumber s, std::uint32_t octets) {
        return {s.value + octets};
    }
    // How far `a` lies after `b`, modulo 2^32.
    friend constexpr std::uint32_t operator-(SeqNumber a, SeqNumber b) { return a.value - b.value; }
};

// Whether `s` lies in [first, first + length], both ends included.
constexpr bool in_range(SeqNumber s, SeqNumber first, std::uint32_t length) {
    return s - first <= length;
}

}  // namespace tcpeek
