// How a verdict becomes a record.
#include <algorithm>

#include "handshake/tracker.h"

namespace tcpeek {
namespace {

State after_failure(State state) {
    switch (state) {
        case State::syn_sent:
            return State::failed_sent;
        case State::syn_received:
            return State::failed_received;
        case State::crossed:
            return State::failed_crossed;
        case State::none:
        case State::failed_sent:
        case State::failed_received:
        case State::failed_crossed:
        case State::succeeded:
        case State::unjudged:
            break;
    }
    TCPEEK_UNREACHABLE("only a pending attempt can fail");
}

}  // namespace

Duration Tracker::span(Timestamp from, Timestamp to) {
    const Duration duration = to - from;
    if (duration < Duration{}) {
        ++counters_.negative_durations;
        return {};
    }
    return duration;
}

std::optional<Duration> Tracker::synack_latency(const Attempt& attempt) const {
    if (!attempt.has_synack) {
        return std::nullopt;
    }
    if (attempt.synack_answers_first) {
        return std::max(attempt.synack_at - attempt.start, Duration{});
    }
    const AttemptDetails* details = table_.find_details(attempt);
    return details == nullptr ? std::nullopt : details->synack_latency;
}

std::optional<Duration> Tracker::ack_latency(const Attempt& attempt, const Packet& packet) {
    if (!attempt.has_synack || packet.icmp != nullptr) {
        return std::nullopt;
    }
    const AttemptDetails* details = table_.find_details(attempt);
    if (packet.kind == SegmentKind::synack && details != nullptr && details->has_kept_ack &&
        !attempt.server_isn_from_syn) {
        if (details->synacks.count > 0) {
            ++counters_.ambiguous_latencies;
            return std::nullopt;
        }
        return span(attempt.synack_at, details->kept_ack_at);
    }
    if (packet.kind != SegmentKind::ack ||
        attempt.key.first_is(packet.segment->source) != attempt.client_is_first) {
        return std::nullopt;
    }
    if (details == nullptr || details->synacks.count == 0) {
        return span(attempt.synack_at, packet.at);
    }
    if (packet.segment->has_timestamps) {
        const SentAt first{attempt.synack_at, attempt.has_synack_tsval, attempt.synack_tsval};
        if (const auto sent = details->synacks.named_by(packet.segment->timestamps.echo, first)) {
            return span(*sent, packet.at);
        }
    }
    ++counters_.ambiguous_latencies;
    return std::nullopt;
}

SessionRecord Tracker::record_of(const Attempt& attempt, Event event, Cause cause, Timestamp at) {
    SessionRecord record;
    record.start = start_packet_time(attempt);
    record.client = attempt.client();
    record.server = attempt.server();
    record.cause = cause;
    record.elapsed = span(attempt.start, at);
    record.synack = synack_latency(attempt);
    record.dup_syn = attempt.dup_syn;
    record.dup_synack = attempt.dup_synack;
    record.history = history_of(attempt);
    record.filters = attempt.filters;
    record.interface = attempt.interface;
    record.decided_in = attempt.state;
    record.decided_by = event;
    const Outcome outcome = outcome_of(cause);
    if (is_failure(outcome)) {
        record.last_packet = span(attempt.start, attempt.last_packet());
    }
    record.capture_loss = outcome == Outcome::timeout && losses_.overlap(attempt.start, at);
    if (const AttemptDetails* details = table_.find_details(attempt)) {
        record.encapsulation = details->encapsulation;
        if (outcome == Outcome::timeout || outcome == Outcome::unreach) {
            record.icmp = details->icmp;
        }
    }
    return record;
}

void Tracker::succeed(const Deed& deed, Cause cause) {
    const AttemptIndex index = deed.choice.index;
    Attempt& attempt = table_[index];
    SessionRecord record = record_of(attempt, deed.choice.judgement.event, cause, deed.packet.at);
    if (attempt.has_synack && !record.synack) {
        ++counters_.ambiguous_latencies;
    }
    record.ack = ack_latency(attempt, deed.packet);
    record.recovered = is_failed(attempt.state);
    if (const AttemptDetails* details = table_.find_details(attempt);
        record.recovered && details != nullptr) {
        record.dup_syn_told = details->dup_syn_told;
        record.dup_synack_told = details->dup_synack_told;
    }
    AttemptList& from = list_of(index);
    const SeqNumber client_isn = attempt.client_isn;
    attempt.state = State::succeeded;
    remember(index, from, successes_, clock_.now(), deed.packet.at);
    sink_.on_record(record);
    settle(deed.key, deed.packet.key_hash, client_isn, VerdictSink::Settled::judged);
}

void Tracker::note_start(Attempt& attempt, const Packet& packet) {
    attempt.start_offset = offsets_.name(packet.at - packet.time);
    if (attempt.start_offset == ClockOffsets::kNoName ||
        attempt.start - offsets_[attempt.start_offset] != packet.time) {
        table_.details(attempt).start_packet_time = packet.time;
    }
}

Timestamp Tracker::start_packet_time(const Attempt& attempt) const {
    const AttemptDetails* details = table_.find_details(attempt);
    return details != nullptr && details->start_packet_time
               ? *details->start_packet_time
               : attempt.start - offsets_[attempt.start_offset];
}

History Tracker::history_of(const Attempt& attempt) const {
    History history(attempt.history);
    if (const AttemptDetails* details = table_.find_details(attempt)) {
        history.append(details->more_history);
    }
    return history;
}

void Tracker::fail(AttemptIndex index, Event event, Cause cause, Timestamp at,
                   Timestamp remembered_from) {
    Attempt& attempt = table_[index];
    const SessionRecord record = record_of(attempt, event, cause, at);
    if (attempt.dup_syn > 0 || attempt.dup_synack > 0) {
        AttemptDetails& details = table_.details(attempt);
        details.dup_syn_told = attempt.dup_syn;
        details.dup_synack_told = attempt.dup_synack;
    }
    attempt.state = after_failure(attempt.state);
    remember(index, pending_, failures_, remembered_from, attempt.last_packet());
    sink_.on_record(record);
}

void Tracker::fail(const Deed& deed, Cause cause) {
    fail(deed.choice.index, deed.choice.judgement.event, cause, deed.packet.at, clock_.now());
}

void Tracker::time_out(AttemptIndex index) {
    Attempt& attempt = table_[index];
    const Timestamp deadline = attempt.renewed_at + config_.timeout;
    const AttemptDetails* details = table_.find_details(attempt);
    if (attempt.state != State::syn_sent) {
        fail(index, Event::expiry, Cause::no_ack, deadline, deadline);
    } else if (details != nullptr && details->has_kept_ack) {
        const SessionRecord record = record_of(attempt, Event::expiry, Cause::one_way, deadline);
        const ConnectionKey key = attempt.key;
        const SeqNumber client_isn = attempt.client_isn;
        attempt.state = State::unjudged;
        remember(index, pending_, successes_, deadline, attempt.last_packet());
        sink_.on_record(record);
        settle(key, key.hash(config_.seed), client_isn, VerdictSink::Settled::judged);
    } else {
        const Cause cause = attempt.server_answered ? Cause::challenged : Cause::no_reply;
        fail(index, Event::expiry, cause, deadline, deadline);
    }
}

}  // namespace tcpeek
