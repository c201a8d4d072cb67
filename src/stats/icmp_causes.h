// The ICMP and ICMPv6 errors that are counted each by itself: those whose code is assigned. A fixed
// list, so that hostile packets cannot make new counters.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "handshake/session_record.h"

namespace tcpeek {

// One row of the table; the last two stand for every other code of their protocol.
struct IcmpCause {
    bool v6;
    std::uint8_t type;
    std::uint8_t code;
    std::string_view name;  // "icmp_3_13", "icmpv6_other"
};

std::span<const IcmpCause> icmp_causes();
// Index into `icmp_causes`.
std::size_t icmp_cause_of(const IcmpEvidence& evidence);

}  // namespace tcpeek
