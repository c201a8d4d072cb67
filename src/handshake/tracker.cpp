#include "handshake/tracker.h"

#include <algorithm>

namespace tcpeek {
namespace {

// Tells the fingerprint of a held SYN/ACK from that of the same one shown again.
constexpr std::uint64_t kHeldName = 1;
constexpr std::size_t kUnmatchedMemory = 4'096;  // SYNs; a power of two

bool is_remembered_without_failure(State state) {
    return state == State::succeeded || state == State::unjudged;
}

bool is_from_client(const Attempt& attempt, const Segment& segment) {
    return attempt.key.first_is(segment.source) == attempt.client_is_first;
}

// What a segment of a pair without any attempt counts as in the state table.
Event event_without_attempt(SegmentKind kind) {
    switch (kind) {
        case SegmentKind::syn:
            return Event::c_syn_other;
        case SegmentKind::synack:
            return Event::s_synack_bad;
        case SegmentKind::rst:
            return Event::s_rst_bad;
        case SegmentKind::ack:
        case SegmentKind::syn_fin:
        case SegmentKind::no_ack:
            return Event::s_seg_bad;
    }
    TCPEEK_UNREACHABLE("segment kind out of range");
}

}  // namespace

Tracker::Tracker(const TrackerConfig& config, Classifier& classifier, VerdictSink& sink)
    : config_(config),
      classifier_(classifier),
      sink_(sink),
      longest_memory_(longest_memory(config.timeout)),
      clock_(longest_memory_ * 2),
      copies_(config.seed),
      table_(config.max_sessions, config.seed),
      unmatched_syns_(kUnmatchedMemory) {
    TCPEEK_ASSERT(config.max_sessions > 0);
}

void Tracker::on_other(Timestamp packet_time) {
    static_cast<void>(clock_.observe(packet_time));
    expire();
}

void Tracker::advance(Timestamp packet_scale_time) {
    clock_.advance(packet_scale_time);
    expire();
}

TrackerCounters Tracker::counters() const {
    TrackerCounters counters = counters_;
    counters.backward_clock_steps = clock_.backward_steps();
    return counters;
}

void Tracker::look_closer(const Segment& segment, const Pair& pair, SegmentKind kind,
                          Timestamp packet_time, Timestamp at, InterfaceId interface) {
    Packet packet;
    packet.segment = &segment;
    packet.kind = kind;
    packet.time = packet_time;
    packet.at = at;
    packet.interface = interface;
    packet.key_hash = pair.hash;
    if (packet.kind == SegmentKind::syn_fin) {
        ++counters_.syn_fin;
        return;
    }
    if (packet.kind == SegmentKind::no_ack) {
        ++counters_.no_ack;
        return;
    }
    const ConnectionKey key = ConnectionKey::of(segment.source, segment.destination);
    handle(key, packet);
    if (packet.kind == SegmentKind::syn) {
        settle(key, pair.hash, segment.seq, VerdictSink::Settled::judged);
    }
}

void Tracker::on_icmp(const IcmpError& error, Timestamp packet_time) {
    Packet packet;
    packet.icmp = &error;
    packet.time = packet_time;
    packet.at = clock_.observe(packet_time);
    expire();
    const ConnectionKey key = ConnectionKey::of(error.quoted_source, error.quoted_destination);
    packet.key_hash = key.hash(config_.seed);
    handle(key, packet);
}

void Tracker::handle(const ConnectionKey& key, const Packet& packet) {
    const AttemptIndex newest = table_.find(key, packet.key_hash);
    if (newest == kNoIndex) {
        no_attempt(key, packet);
        return;
    }
    if (packet.kind == SegmentKind::ack && packet.icmp == nullptr &&
        table_.state(newest) == State::succeeded &&
        table_.next_same(newest, key, packet.key_hash) == kNoIndex) {
        // What no packet renewed has expired already.
        if (outlived_memory(newest)) {
            no_attempt(key, packet);
            return;
        }
        const bool copy = packet.at - completed_at(newest) <= CopyDetector::kWindow &&
                          copies_.is_copy(fingerprint(key, packet), clock_.now());
        ++(copy ? counters_.duplicate_packets : counters_.after_success);
        return;
    }
    const PairView view = view_pair(key, newest, packet);
    const Choice choice = choose(view, packet);
    if (choice.index == kNoIndex) {
        no_attempt(key, packet);
        return;
    }
    act(Deed{choice, packet, key, view});
}

Tracker::Choice Tracker::judge_attempt(const ConnectionKey& key, AttemptIndex index,
                                       const Packet& packet) const {
    const auto judged = [&](const Attempt& attempt) {
        const AttemptDetails* details = table_.find_details(attempt);
        return packet.icmp != nullptr ? judge(attempt, details, *packet.icmp)
                                      : judge(attempt, details, *packet.segment, packet.kind);
    };
    return table_.is_compact(index)
               ? Choice{index, State::succeeded, judged(table_.copy(index, key))}
               : Choice{index, table_[index].state, judged(table_[index])};
}

Tracker::PairView Tracker::view_pair(const ConnectionKey& key, AttemptIndex newest,
                                     const Packet& packet) const {
    PairView view;
    unsigned best_rank = 0;
    for (AttemptIndex index = newest; index != kNoIndex;
         index = table_.next_same(index, key, packet.key_hash)) {
        const State state = table_.state(index);
        const bool pending = is_pending(state);
        if (!pending && is_forgotten(index)) {
            continue;
        }
        const Choice choice = judge_attempt(key, index, packet);
        if (view.newest.index == kNoIndex) {
            view.newest = choice;
        }
        if (pending) {
            view.pending = choice;
        }
        if (is_failed(state) && view.newest_failed.index == kNoIndex) {
            view.newest_failed = choice;
        }
        const unsigned rank = 2 * static_cast<unsigned>(choice.judgement.fit) + (pending ? 1U : 0U);
        if (choice.judgement.fit != Fit::none && rank > best_rank) {
            best_rank = rank;
            view.best = choice;
        }
    }
    return view;
}

// A packet belongs to the attempt whose numbers it fits; one that fits none goes to the pending
// attempt, then to the newest that failed, as unfit. What a remembered success would only ignore is
// also looked at by the pending attempt: an ACK of the old connection's other end is a challenge
// to the new one.
Tracker::Choice Tracker::choose(const PairView& view, const Packet& packet) const {
    if (view.best.index != kNoIndex) {
        const State state = view.best.state;
        const Action action = action_for(state, view.best.judgement.event);
        const bool only_ignored =
            action == Action::ignore_after_success || action == Action::ignore_after_unjudged;
        const bool pass_on = is_remembered_without_failure(state) && only_ignored &&
                             view.pending.index != kNoIndex && packet.icmp == nullptr &&
                             packet.kind == SegmentKind::ack &&
                             view.pending.judgement.fit == Fit::none &&
                             !is_from_client(table_[view.pending.index], *packet.segment);
        return pass_on ? view.pending : view.best;
    }
    if (packet.icmp != nullptr) {
        return {};
    }
    if (view.pending.index != kNoIndex) {
        return view.pending;
    }
    if (packet.kind == SegmentKind::syn) {
        return view.newest;
    }
    return view.newest_failed.index != kNoIndex ? view.newest_failed : view.newest;
}

void Tracker::no_attempt(const ConnectionKey& key, const Packet& packet) {
    const Event event =
        packet.icmp != nullptr ? Event::icmp_syn : event_without_attempt(packet.kind);
    const Action action = action_for(State::none, event);
    count_cell(State::none, event);
    if (action == Action::start_attempt) {
        start_attempt(key, packet, false);
    } else if (action == Action::hold_synack) {
        if (copies_.is_copy(fingerprint(key, packet) ^ kHeldName, clock_.now())) {
            ++counters_.duplicate_packets;
        } else {
            hold_synack(packet);
        }
    } else {
        TCPEEK_ASSERT(action == Action::ignore_mid_stream);
        ++(packet.icmp != nullptr ? counters_.icmp_unmatched : counters_.mid_stream);
    }
}

void Tracker::make_room_in_pair(const ConnectionKey& key, std::uint64_t key_hash) {
    std::uint32_t remembered = 0;
    AttemptIndex oldest = kNoIndex;
    for (AttemptIndex index = table_.find(key, key_hash); index != kNoIndex;
         index = table_.next_same(index, key, key_hash)) {
        if (!is_pending(table_.state(index))) {
            ++remembered;
            oldest = index;
        }
    }
    if (remembered >= kMaxRememberedPerPair) {
        forget(list_of(oldest), oldest);
    }
}

void Tracker::hold_synack(const Packet& packet) {
    if (packet.was_held) {
        ++counters_.orphan_synacks;
        return;
    }
    counters_.orphan_synacks += held_.hold(
        {*packet.segment, packet.time, packet.at, clock_.now(), packet.key_hash, packet.interface});
    note_deadline(clock_.now() + HeldSynacks::kHold);
}

bool Tracker::seen_unmatched(const Packet& packet) {
    const std::uint64_t name = packet.key_hash << 32U | packet.segment->seq.value;
    std::uint64_t& slot =
        unmatched_syns_[(packet.key_hash ^ packet.segment->seq.value) % kUnmatchedMemory];
    if (slot == name) {
        return true;
    }
    slot = name;
    return false;
}

void Tracker::start_attempt(const ConnectionKey& key, const Packet& packet, bool pair_is_known) {
    const Segment& syn = *packet.segment;
    const std::optional<MatchId> filters = classifier_.classify(syn.source, syn.destination);
    if (!filters) {
        counters_.unmatched += seen_unmatched(packet) ? 0U : 1U;
        return;
    }
    if (pair_is_known) {
        make_room_in_pair(key, packet.key_hash);
    }
    if (pending_.size() >= config_.max_sessions) {
        const AttemptIndex longest_waiting = pending_.front();
        sink_.on_evicted(table_[longest_waiting].filters);
        ++counters_.evicted;
        forget(pending_, longest_waiting);
        table_.prefetch_erasure(pending_);
    }
    static_cast<void>(copies_.is_copy(fingerprint(key, packet), clock_.now()));
    const AttemptIndex index = table_.insert(key, packet.key_hash);
    Attempt& attempt = table_[index];
    attempt.client_is_first = key.first_is(syn.source);
    attempt.start = packet.at;
    attempt.set_times(packet.at, packet.at);
    attempt.client_isn = syn.seq;
    attempt.has_syn_tsval = syn.has_timestamps;
    attempt.syn_tsval = syn.timestamps.value;
    attempt.filters = *filters;
    attempt.interface = packet.interface;
    static_cast<void>(attempt.history.append(HistoryLetter::client_syn));
    note_start(attempt, packet);
    if (syn.payload_length > 0) {
        table_.details(attempt).syn_data_length =
            static_cast<std::uint16_t>(std::min(syn.payload_length, 65'535U));
    }
    if (syn.encapsulation.vlan_count > 0 || syn.encapsulation.tunnel_count > 0) {
        table_.details(attempt).encapsulation = syn.encapsulation;
    }
    table_.insert_by_time(pending_, index);
    ++pending_counts_.of_kind[attempt.pending_kind];
    note_deadline(attempt.renewed_at + config_.timeout);
    release_held(key, packet);
}

// The SYN/ACKs that `syn` was waited for count as if they came now.
void Tracker::release_held(const ConnectionKey& key, const Packet& syn) {
    if (held_.size() == 0) {
        return;
    }
    held_.release(*syn.segment, syn.key_hash, [&](const HeldSynack& held) {
        Packet answer;
        answer.segment = &held.segment;
        answer.kind = SegmentKind::synack;
        answer.time = held.packet_time;
        answer.at = held.at;
        answer.interface = held.interface;
        answer.key_hash = held.key_hash;
        answer.was_held = true;
        handle(key, answer);
    });
}

std::uint64_t Tracker::fingerprint(const ConnectionKey& key, const Packet& packet) const {
    return packet.icmp != nullptr ? copies_.fingerprint(*packet.icmp)
                                  : copies_.fingerprint(*packet.segment, packet.key_hash,
                                                        key.first_is(packet.segment->source));
}

Timestamp Tracker::completed_at(AttemptIndex index) const {
    if (table_.is_compact(index)) {
        return table_.success(index).last_packet();
    }
    const Attempt& attempt = table_[index];
    const AttemptDetails* details = table_.find_details(attempt);
    return details != nullptr && details->completed_at ? *details->completed_at
                                                       : attempt.last_packet();
}

bool Tracker::is_repeated_by_capture(const ConnectionKey& key, const Choice& choice, Action action,
                                     const Packet& packet) {
    if (packet.kind == SegmentKind::ack && packet.icmp == nullptr &&
        is_remembered_without_failure(choice.state) &&
        packet.at - completed_at(choice.index) > CopyDetector::kWindow) {
        return false;
    }
    if (packet.was_held) {
        return false;
    }
    // A held SYN/ACK was shown under another name: when its SYN comes, it is no copy of itself.
    const std::uint64_t held_name = action == Action::hold_synack ? kHeldName : 0;
    const std::uint64_t name = fingerprint(key, packet);
    if (packet.kind == SegmentKind::synack && held_name == 0 &&
        copies_.was_shown(name ^ kHeldName, clock_.now())) {
        return true;
    }
    return copies_.is_copy(name ^ held_name, clock_.now());
}

AttemptList& Tracker::list_of(AttemptIndex index) {
    const State state = table_.state(index);
    if (is_pending(state)) {
        return pending_;
    }
    return is_failed(state) ? failures_ : successes_;
}

}  // namespace tcpeek
