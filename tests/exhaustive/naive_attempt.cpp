#include "exhaustive/naive_attempt.h"

#include <algorithm>

namespace tcpeek::exhaustive {
namespace {

constexpr std::size_t kMostSent = 8;  // that latencies are measured from

}  // namespace

std::optional<std::uint32_t> tsval_of(const Segment& segment) {
    return segment.has_timestamps ? std::optional(segment.timestamps.value) : std::nullopt;
}

std::optional<Timestamp> answered(const std::vector<Sent>& sent, const Segment& answer) {
    if (sent.size() == 1) {
        return sent.front().at;
    }
    std::vector<Timestamp> named;
    for (std::size_t i = 0; i < std::min(sent.size(), kMostSent); ++i) {
        if (answer.has_timestamps && sent[i].tsval == answer.timestamps.echo) {
            named.push_back(sent[i].at);
        }
    }
    return named.size() == 1 ? std::optional(named.front()) : std::nullopt;
}

bool acknowledges_syn(const NaiveAttempt& attempt, SeqNumber ack) {
    return in_range(ack, attempt.isn + 1, attempt.syn_data);
}

std::vector<SeqNumber> synack_isns(const NaiveAttempt& attempt) {
    std::vector<SeqNumber> isns;
    for (const SynAck& synack : attempt.synacks) {
        if (std::find(isns.begin(), isns.end(), synack.seq) == isns.end()) {
            isns.push_back(synack.seq);
        }
    }
    return isns;
}

std::vector<SeqNumber> server_isns(const NaiveAttempt& attempt) {
    std::vector<SeqNumber> isns = synack_isns(attempt);
    if (attempt.server_syn) {
        std::erase(isns, *attempt.server_syn);
        isns.insert(isns.begin(), *attempt.server_syn);
    }
    return isns;
}

std::optional<SeqNumber> isn_before(const NaiveAttempt& attempt, SeqNumber next) {
    std::optional<SeqNumber> found;
    for (const SeqNumber isn : server_isns(attempt)) {
        if (next == isn + 1) {
            return isn;
        }
        if (!found && in_range(next, isn + 1, kWindow)) {
            found = isn;
        }
    }
    return found;
}

}  // namespace tcpeek::exhaustive
