// The tracker's lists over time: expiry, memory, the end of the capture.
#include <algorithm>

#include "handshake/tracker.h"

namespace tcpeek {
namespace {

// A Linux client repeats its SYN for 131 s (tcp_syn_retries), others for longer; beyond it an ISN
// may come round by chance.
constexpr Duration kLongestMemory = Duration::seconds(240);

}  // namespace

Duration Tracker::longest_memory(Duration timeout) {
    return std::max(timeout * 4, kLongestMemory);
}

void Tracker::note_deadline(Timestamp deadline) {
    next_deadline_ = std::min(next_deadline_, deadline);
}

void Tracker::expire_due() {
    const Timestamp now = clock_.now();
    next_deadline_ = Timestamp{INT64_MAX};
    counters_.orphan_synacks += held_.expire(now);
    if (held_.size() > 0) {
        note_deadline(held_.oldest() + HeldSynacks::kHold);
    }
    while (pending_.front() != kNoIndex &&
           table_[pending_.front()].renewed_at + config_.timeout <= now) {
        expire_run();
    }
    if (pending_.front() != kNoIndex) {
        note_deadline(table_[pending_.front()].renewed_at + config_.timeout);
    }
    forget_expired(successes_);
    forget_expired(failures_);
}

// Several that expire at one instant go by their starts.
void Tracker::expire_run() {
    const Timestamp renewed_at = table_[pending_.front()].renewed_at;
    expiring_.clear();
    for (AttemptIndex index = pending_.front();
         index != kNoIndex && table_[index].renewed_at == renewed_at;
         index = table_.next_in_list(index)) {
        expiring_.push_back(index);
    }
    std::stable_sort(expiring_.begin(), expiring_.end(), [&](AttemptIndex a, AttemptIndex b) {
        return table_[a].start.get() < table_[b].start.get();
    });
    for (const AttemptIndex index : expiring_) {
        TCPEEK_ASSERT(action_for(table_[index].state, Event::expiry) == Action::time_out);
        count_cell(table_[index].state, Event::expiry);
        time_out(index);
    }
}

void Tracker::forget_expired(AttemptList& list) {
    while (list.front() != kNoIndex &&
           table_.renewed_at(list.front()) + config_.timeout <= clock_.now()) {
        const State state = table_.state(list.front());
        TCPEEK_ASSERT(action_for(state, Event::expiry) == Action::forget);
        count_cell(state, Event::expiry);
        forget(list, list.front());
    }
    if (list.front() != kNoIndex) {
        note_deadline(table_.renewed_at(list.front()) + config_.timeout);
    }
}

void Tracker::recount_pending(Attempt& attempt) {
    const bool retried = attempt.dup_syn > 0 || attempt.dup_synack > 0;
    const unsigned stage =
        attempt.state == State::syn_sent ? PendingCounts::syn_sent : PendingCounts::syn_received;
    --pending_counts_.of_kind[attempt.pending_kind];
    attempt.pending_kind = static_cast<std::uint8_t>(stage + (retried ? 1U : 0U)) & 3U;
    ++pending_counts_.of_kind[attempt.pending_kind];
}

void Tracker::forget(AttemptList& list, AttemptIndex index) {
    if (&list == &pending_) {
        --pending_counts_.of_kind[table_[index].pending_kind];
    }
    table_.remove(list, index);
    if (&list == &successes_) {
        table_.erase(index);
        return;
    }
    const Attempt& attempt = table_[index];
    const ConnectionKey key = attempt.key;
    const SeqNumber isn = attempt.client_isn;
    table_.erase(index);
    if (config_.tells_settled) {
        settle(key, key.hash(config_.seed), isn, VerdictSink::Settled::forgotten);
    }
}

bool Tracker::has_open_attempt(const ConnectionKey& key, std::uint64_t key_hash) const {
    for (AttemptIndex index = table_.find(key, key_hash); index != kNoIndex;
         index = table_.next_same(index, key, key_hash)) {
        if (is_pending(table_.state(index)) || is_failed(table_.state(index))) {
            return true;
        }
    }
    return false;
}

void Tracker::settle(const ConnectionKey& key, std::uint64_t key_hash, SeqNumber isn,
                     VerdictSink::Settled why) {
    if (config_.tells_settled && !has_open_attempt(key, key_hash)) {
        sink_.on_settled(key, isn, why);
    }
}

bool Tracker::is_forgotten(AttemptIndex index) const {
    return outlived_memory(index) || clock_.now() >= table_.renewed_at(index) + config_.timeout;
}

void Tracker::remember(AttemptIndex index, AttemptList& from, AttemptList& to, Timestamp since,
                       Timestamp last_packet) {
    table_.remove(from, index);
    Attempt& attempt = table_[index];
    if (&from == &pending_) {
        --pending_counts_.of_kind[attempt.pending_kind];
    }
    attempt.set_times(since, last_packet);
    if (RememberedSuccess::holds(attempt, table_.find_details(attempt), synack_latency(attempt))) {
        index = table_.compact(index);
    }
    if (to.size() >= config_.max_sessions) {
        forget(to, to.front());
    }
    table_.insert_by_time(to, index);
    note_deadline(since + config_.timeout);
}

void Tracker::renew(AttemptIndex index, AttemptList& list, Timestamp at) {
    Attempt& attempt = table_[index];
    table_.remove(list, index);
    attempt.set_times(std::max(attempt.renewed_at.get(), at), std::max(attempt.last_packet(), at));
    table_.insert_by_time(list, index);
}

void Tracker::finish() {
    std::vector<AttemptIndex> open;
    open.reserve(pending_.size());
    bool in_order = true;
    Timestamp before{INT64_MIN};
    for (AttemptIndex index = pending_.front(); index != kNoIndex;
         index = table_.next_in_list(index)) {
        const Timestamp start = table_[index].start;
        in_order = in_order && before <= start;
        before = start;
        open.push_back(index);
    }
    if (!in_order) {
        std::stable_sort(open.begin(), open.end(), [&](AttemptIndex a, AttemptIndex b) {
            return table_[a].start.get() < table_[b].start.get();
        });
    }
    // A million of them are more than any cache holds, and whoever stops the program waits.
    constexpr std::size_t kAhead = 8;
    for (std::size_t i = 0; i < open.size(); ++i) {
        if (open.size() - i > kAhead) {
            table_.prefetch_attempt(open[i + kAhead]);
        }
        const Attempt& attempt = table_[open[i]];
        TCPEEK_ASSERT(action_for(attempt.state, Event::capture_end) == Action::end_pending);
        count_cell(attempt.state, Event::capture_end);
        const Cause stage =
            attempt.state == State::syn_sent ? Cause::syn_sent : Cause::syn_received;
        sink_.on_record(record_of(attempt, Event::capture_end, stage, clock_.now()));
    }
    counters_.orphan_synacks += held_.size();
    held_.clear();
    pending_ = {};
    pending_counts_ = {};
    successes_ = {};
    failures_ = {};
    table_ = AttemptTable(1, config_.seed);
}

std::optional<Duration> Tracker::until_next_expiry() const {
    if (pending_.front() == kNoIndex) {
        return std::nullopt;
    }
    return table_[pending_.front()].renewed_at + config_.timeout - clock_.now();
}

}  // namespace tcpeek
