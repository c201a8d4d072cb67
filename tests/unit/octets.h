// Octets of frames, put together piece by piece.
#pragma once

#include <cstdint>
#include <vector>

namespace tcpeek {

using Octets = std::vector<std::uint8_t>;

inline Octets operator+(Octets a, const Octets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
}

}  // namespace tcpeek
