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

}  // namespace tcpeek
