#include "handshake/outcome.h"

#include "base/assert.h"

namespace tcpeek {
namespace {

constexpr std::array<CauseProperties, kCauseCount> kCauses{{
    {Cause::established, "established", Outcome::success},
    {Cause::simultaneous_open, "simultaneous_open", Outcome::success},
    {Cause::synack_unseen, "synack_unseen", Outcome::success},
    {Cause::no_reply, "no_reply", Outcome::timeout},
    {Cause::challenged, "challenged", Outcome::timeout},
    {Cause::no_ack, "no_ack", Outcome::timeout},
    {Cause::superseded, "superseded", Outcome::timeout},
    {Cause::refused, "refused", Outcome::reject},
    {Cause::reset, "reset", Outcome::reject},
    {Cause::icmp_error, "icmp_error", Outcome::unreach},
    {Cause::client_reset, "client_reset", Outcome::abort},
    {Cause::one_way, "one_way", Outcome::unjudged},
    {Cause::syn_sent, "syn_sent", Outcome::pending},
    {Cause::syn_received, "syn_received", Outcome::pending},
}};

constexpr bool rows_follow_the_enum() {
    for (std::size_t i = 0; i < kCauses.size(); ++i) {
        if (static_cast<std::size_t>(kCauses[i].cause) != i) {
            return false;
        }
    }
    return true;
}
static_assert(rows_follow_the_enum());

}  // namespace

const std::array<CauseProperties, kCauseCount>& cause_table() {
    return kCauses;
}

Outcome outcome_of(Cause cause) {
    return kCauses[static_cast<std::size_t>(cause)].outcome;
}

std::string_view to_string(Cause cause) {
    return kCauses[static_cast<std::size_t>(cause)].name;
}

std::string_view to_string(Outcome outcome) {
    switch (outcome) {
        case Outcome::success:
            return "success";
        case Outcome::timeout:
            return "timeout";
        case Outcome::reject:
            return "reject";
        case Outcome::unreach:
            return "unreach";
        case Outcome::abort:
            return "abort";
        case Outcome::unjudged:
            return "unjudged";
        case Outcome::pending:
            return "pending";
    }
    TCPEEK_UNREACHABLE("outcome out of range");
}

bool is_failure(Outcome outcome) {
    return outcome == Outcome::timeout || outcome == Outcome::reject ||
           outcome == Outcome::unreach || outcome == Outcome::abort;
}

}  // namespace tcpeek
