#include "stats/ledger.h"

namespace tcpeek {
namespace {

void count_retransmissions(const SessionRecord& record, FilterCounters& counters) {
    const std::uint32_t syns = record.dup_syn - record.dup_syn_told;
    const std::uint32_t synacks = record.dup_synack - record.dup_synack_told;
    counters.syns_retransmitted += syns;
    counters.synacks_retransmitted += synacks;
    counters.syn_retransmitting += syns > 0 && record.dup_syn_told == 0 ? 1U : 0U;
    counters.synack_retransmitting += synacks > 0 && record.dup_synack_told == 0 ? 1U : 0U;
}

void count_latency(const SessionRecord& record, FilterCounters& counters) {
    counters.elapsed.add(record.elapsed);
    if (record.synack) {
        counters.synack.add(*record.synack);
    }
    if (record.ack) {
        counters.ack.add(*record.ack);
    }
}

}  // namespace

std::uint64_t SessionCounters::sessions_of(Outcome outcome) const {
    std::uint64_t sum = 0;
    for (const CauseProperties& properties : cause_table()) {
        if (properties.outcome == outcome) {
            sum += sessions[static_cast<std::size_t>(properties.cause)];
        }
    }
    return sum;
}

void Ledger::count_no_segment(const Dissected& dissected) {
    if (const auto* ignored = std::get_if<Ignored>(&dissected)) {
        ++frames_.ignored[static_cast<std::size_t>(ignored->why)];
    } else if (const auto* malformed = std::get_if<Malformed>(&dissected)) {
        ++frames_.malformed[static_cast<std::size_t>(malformed->layer)];
    } else {
        ++frames_.icmp_errors;
    }
}

void Ledger::count(const SessionRecord& record, std::span<const FilterIndex> filters) {
    const Outcome outcome = outcome_of(record.cause);
    for (const FilterIndex index : filters) {
        FilterCounters& counters = filters_[index];
        ++counters.sessions[static_cast<std::size_t>(record.cause)];
        counters.recovered += record.recovered ? 1U : 0U;
        count_retransmissions(record, counters);
        counters.doubtful_timeouts += outcome == Outcome::timeout && record.capture_loss ? 1U : 0U;
        if (outcome == Outcome::success) {
            counters.successes_with_dup_syn += record.dup_syn > 0 ? 1U : 0U;
            counters.successes_with_dup_synack += record.dup_synack > 0 ? 1U : 0U;
            copy_.before_counting(record, index);
            count_latency(record, counters);
        } else if (outcome == Outcome::unreach && record.icmp) {
            counters.unreach.resize(icmp_causes().size());
            ++counters.unreach[icmp_cause_of(*record.icmp)];
        }
    }
}

void Ledger::count(const SessionEvent& event, std::span<const FilterIndex> filters) {
    for (const FilterIndex index : filters) {
        FilterCounters& counters = filters_[index];
        switch (event.kind) {
            case SessionEvent::Kind::unaccepted:
                ++counters.unaccepted;
                break;
            case SessionEvent::Kind::reset_early_by_server:
                ++counters.reset_early_by_server;
                break;
            case SessionEvent::Kind::reset_early_by_client:
                ++counters.reset_early_by_client;
                break;
        }
    }
}

void Ledger::rearrange(const std::vector<std::string>& before,
                       const std::vector<std::string>& after) {
    copy_.finish();
    for (std::size_t i = 0; i < before.size(); ++i) {
        retired_.insert_or_assign(before[i], std::move(filters_[i]));
    }
    filters_.assign(after.size(), FilterCounters());
    for (std::size_t i = 0; i < after.size(); ++i) {
        if (auto known = retired_.extract(after[i])) {
            filters_[i] = std::move(known.mapped());
        }
    }
}

void Ledger::count_evicted(std::span<const FilterIndex> filters) {
    for (const FilterIndex index : filters) {
        ++filters_[index].evicted;
    }
}

}  // namespace tcpeek
