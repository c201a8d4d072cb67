// The outcome table: every cause a verdict can have, with the result it means.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tcpeek {

enum class Outcome : std::uint8_t { success, timeout, reject, unreach, abort, unjudged, pending };
inline constexpr std::size_t kOutcomeCount = 7;

enum class Cause : std::uint8_t {
    established,
    simultaneous_open,
    synack_unseen,
    no_reply,
    challenged,
    no_ack,
    superseded,
    refused,
    reset,
    icmp_error,
    client_reset,
    one_way,
    syn_sent,
    syn_received,
};
inline constexpr std::size_t kCauseCount = 14;

// One row of the table. `name` is what users read; for icmp_error the record's ICMP type and code
// make the name.
struct CauseProperties {
    Cause cause;
    std::string_view name;
    Outcome outcome;
};

// In the order of the enum.
const std::array<CauseProperties, kCauseCount>& cause_table();

Outcome outcome_of(Cause cause);
std::string_view to_string(Cause cause);
// "success", "timeout", "reject", "unreach", "abort", "unjudged", "pending".
std::string_view to_string(Outcome outcome);

// timeout, reject, unreach and abort: what counts as a failure.
bool is_failure(Outcome outcome);

}  // namespace tcpeek
