#include "handshake/attempt.h"

namespace tcpeek {

std::optional<Timestamp> Retransmissions::named_by(std::uint32_t tsecr, const SentAt& first) const {
    std::optional<Timestamp> found;
    const auto look_at = [&](const SentAt& one) {
        if (!one.has_tsval || one.tsval != tsecr) {
            return true;
        }
        const bool unique = !found.has_value();
        found = one.at;
        return unique;
    };
    if (!look_at(first)) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < count; ++i) {
        if (!look_at(sent[i])) {
            return std::nullopt;
        }
    }
    return found;
}

bool RememberedSuccess::holds(const Attempt& attempt, const AttemptDetails* details,
                              std::optional<Duration> synack_latency) {
    const bool plain_details = details == nullptr || (details->syn_data_length == 0 &&
                                                      !details->start_packet_time.has_value());
    return attempt.state == State::succeeded && attempt.server_isn_count == 1 &&
           !attempt.server_isn_from_syn && plain_details &&
           synack_latency.value_or(kLeastUnaccepted) <= kLeastUnaccepted &&
           attempt.filters.index < 1U << 20U && attempt.last_packet() >= attempt.start &&
           attempt.last_packet() - attempt.start < Duration::nanoseconds(UINT32_MAX) &&
           attempt.renewed_after < UINT32_MAX;
}

RememberedSuccess::RememberedSuccess(const Attempt& attempt, std::uint64_t hash)
    : pair_hash(hash),
      renewed_at(attempt.renewed_at),
      client_isn(attempt.client_isn),
      server_isn(attempt.server_isn),
      start_before(nanoseconds_between(attempt.start, attempt.last_packet())),
      renewed_after(attempt.renewed_after),
      filters(attempt.filters.index & 0xfffffU),
      start_offset(attempt.start_offset),
      client_is_first(attempt.client_is_first),
      told_unaccepted(attempt.told_unaccepted),
      told_server_reset(attempt.told_server_reset),
      told_client_reset(attempt.told_client_reset) {}

Attempt RememberedSuccess::expanded(const ConnectionKey& key) const {
    Attempt attempt;
    attempt.key = key;
    attempt.state = State::succeeded;
    attempt.client_is_first = client_is_first;
    attempt.told_unaccepted = told_unaccepted;
    attempt.told_server_reset = told_server_reset;
    attempt.told_client_reset = told_client_reset;
    attempt.server_isn_count = 1;
    attempt.filters = {filters};
    attempt.start_offset = static_cast<ClockOffsets::Name>(start_offset);
    attempt.start = start();
    attempt.renewed_at = renewed_at;
    attempt.renewed_after = renewed_after;
    attempt.client_isn = client_isn;
    attempt.server_isn = server_isn;
    return attempt;
}

}  // namespace tcpeek
