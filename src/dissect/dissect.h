// The entry into the dissector: one frame in, one Dissected out. Pure: no state, no clock.
#pragma once

#include <cstdint>

#include "dissect/dissected.h"
#include "dissect/frame.h"

namespace tcpeek {

enum class ChecksumMode : std::uint8_t { none, ip, ip_and_tcp };

struct DissectOptions {
    ChecksumMode checksums = ChecksumMode::none;
    bool icmp = false;  // look at ICMP and ICMPv6 errors; else they are `protocol_not_tcp`
};

// Judges the innermost TCP or ICMP header of `frame`, into `result`, whose old value does not
// matter. Any bytes are accepted.
void dissect(const Frame& frame, const DissectOptions& options, Dissected& result);

// The same, without the short way for plain frames (plain_tcp.h): slower, and nothing else. Not
// inlined, since `dissect` would then make room for its state before it goes the short way.
[[gnu::noinline]] void dissect_in_layers(const Frame& frame, const DissectOptions& options,
                                         Dissected& result);

[[nodiscard]] inline Dissected dissect(const Frame& frame, const DissectOptions& options) {
    Dissected result;
    dissect(frame, options, result);
    return result;
}

}  // namespace tcpeek
