// What each action of the state table does to its attempt.
#include <algorithm>

#include "handshake/tracker.h"

namespace tcpeek {
namespace {

// An ACK that the capture shows before its SYN/ACK counts for it this long.
constexpr Duration kSwappedAck = Duration::milliseconds(10);

// How a packet stands in the attempt's history.
enum class Mark : std::uint8_t {
    none,    // not at all
    letter,  // by its own letter
    unfit,   // as one whose numbers do not fit
};

void increment_to_maximum(std::uint16_t& count) {
    if (count < UINT16_MAX) {
        ++count;
    }
}

SentAt sent_at(const Segment& segment, Timestamp at) {
    return {at, segment.has_timestamps, segment.timestamps.value};
}

HistoryLetter letter_of(const Segment& segment, bool from_client) {
    const TcpFlags flags = segment.flags;
    if (flags.rst()) {
        return from_client ? HistoryLetter::client_rst : HistoryLetter::server_rst;
    }
    if (flags.syn()) {
        if (flags.ack()) {
            return from_client ? HistoryLetter::client_synack : HistoryLetter::server_synack;
        }
        return from_client ? HistoryLetter::client_syn : HistoryLetter::server_syn;
    }
    if (flags.fin()) {
        return from_client ? HistoryLetter::client_fin : HistoryLetter::server_fin;
    }
    if (segment.payload_length > 0) {
        return from_client ? HistoryLetter::client_data : HistoryLetter::server_data;
    }
    return from_client ? HistoryLetter::client_ack : HistoryLetter::server_ack;
}

}  // namespace

// One row an action: how the packet stands in the history, whether it keeps the attempt alive, and
// what is done.
struct Tracker::ActionRow {
    Action action;
    Mark mark;
    bool renews;
    void (Tracker::*perform)(const Deed&);
};

const std::array<Tracker::ActionRow, kActionCount>& Tracker::action_rows() {
    using enum Action;
    using T = Tracker;
    static constexpr std::array<ActionRow, kActionCount> kRows{{
        {start_attempt, Mark::none, false, &T::do_start},
        {count_dup_syn, Mark::letter, true, &T::do_count_dup_syn},
        {supersede, Mark::none, false, &T::do_supersede},
        {cross, Mark::letter, true, &T::do_cross},
        {accept_synack, Mark::letter, true, &T::do_accept_synack},
        {count_dup_synack, Mark::letter, true, &T::do_repeat_synack},
        {add_server_isn, Mark::letter, true, &T::do_add_server_isn},
        {keep_client_ack, Mark::letter, true, &T::do_keep_client_ack},
        {note_challenge, Mark::unfit, false, &T::do_note_challenge},
        {Action::succeed, Mark::letter, true, &T::do_succeed},
        {succeed_unseen, Mark::letter, true, &T::do_succeed_unseen},
        {succeed_self, Mark::letter, true, &T::do_succeed_self},
        {cross_client_ack, Mark::letter, true, &T::do_cross_client_ack},
        {cross_client_synack, Mark::letter, true, &T::do_cross_client_synack},
        {cross_server_ack, Mark::letter, true, &T::do_cross_server_ack},
        {cross_synack, Mark::letter, true, &T::do_cross_synack},
        {refuse, Mark::letter, true, &T::do_refuse},
        {reset, Mark::letter, true, &T::do_reset},
        {abort_attempt, Mark::letter, true, &T::do_abort},
        {unreach, Mark::letter, false, &T::do_unreach},
        {Action::keep_icmp, Mark::letter, false, &T::do_keep_icmp},
        {Action::hold_synack, Mark::unfit, false, &T::do_hold_synack},
        {Action::time_out, Mark::none, false, &T::do_unreachable},
        {end_pending, Mark::none, false, &T::do_unreachable},
        {revive, Mark::letter, false, &T::do_revive},
        {Action::forget, Mark::none, false, &T::do_unreachable},
        {check_unaccepted, Mark::none, false, &T::do_check_unaccepted},
        {server_reset_early, Mark::none, false, &T::do_server_reset_early},
        {client_reset_early, Mark::none, false, &T::do_client_reset_early},
        {nothing, Mark::none, false, &T::do_unreachable},
        {ignore_mid_stream, Mark::none, false, &T::do_ignore_mid_stream},
        {ignore_unfit, Mark::unfit, false, &T::do_ignore_unfit},
        {ignore_useless, Mark::letter, false, &T::do_ignore_useless},
        {ignore_after_success, Mark::none, false, &T::do_ignore_after_success},
        {ignore_syn_after_success, Mark::none, false, &T::do_ignore_syn_after_success},
        {ignore_after_unjudged, Mark::none, false, &T::do_ignore_after_unjudged},
        {ignore_after_failure, Mark::letter, false, &T::do_ignore_after_failure},
    }};
    static_assert([] {
        for (std::size_t i = 0; i < kRows.size(); ++i) {
            if (static_cast<std::size_t>(kRows[i].action) != i) {
                return false;
            }
        }
        return true;
    }());
    return kRows;
}

void Tracker::act(const Deed& deed) {
    const State state = deed.choice.state;
    const Action action = action_for(state, deed.choice.judgement.event);
    const ActionRow& row = action_rows()[static_cast<std::size_t>(action)];
    if (is_repeated_by_capture(deed.key, deed.choice, action, deed.packet)) {
        ++counters_.duplicate_packets;
        return;
    }
    count_cell(state, deed.choice.judgement.event);
    const bool pending = is_pending(state);
    if (row.mark != Mark::none && (pending || is_failed(state))) {
        write_history(table_[deed.choice.index], deed.packet, row.mark == Mark::letter);
    }
    if (row.renews && pending) {
        renew(deed.choice.index, pending_, deed.packet.at);
    }
    (this->*row.perform)(deed);
    // With a verdict it has gone to another list, and perhaps to another index.
    if (pending && is_pending(table_[deed.choice.index].state)) {
        recount_pending(table_[deed.choice.index]);
    }
}

void Tracker::write_history(Attempt& attempt, const Packet& packet, bool fits) {
    HistoryLetter letter = HistoryLetter::icmp_error;
    if (packet.icmp == nullptr) {
        const bool from_client =
            attempt.key.is_self()
                ? packet.kind == SegmentKind::syn
                : attempt.key.first_is(packet.segment->source) == attempt.client_is_first;
        letter =
            fits ? letter_of(*packet.segment, from_client)
                 : (from_client ? HistoryLetter::client_ignored : HistoryLetter::server_ignored);
    }
    if (!attempt.history.append(letter)) {
        table_.details(attempt).more_history.append(letter);
    }
}

void Tracker::do_start(const Deed& deed) {
    start_attempt(deed.key, deed.packet, true);
}

void Tracker::do_count_dup_syn(const Deed& deed) {
    note_repeated_syn(deed);
    release_held(deed.key, deed.packet);
}

void Tracker::note_repeated_syn(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    const Segment& syn = *deed.packet.segment;
    increment_to_maximum(attempt.dup_syn);
    if (syn.payload_length > 0) {
        AttemptDetails& details = table_.details(attempt);
        details.syn_data_length = static_cast<std::uint16_t>(
            std::clamp<std::uint32_t>(syn.payload_length, details.syn_data_length, UINT16_MAX));
    }
    if (!attempt.has_synack) {
        table_.details(attempt).syns.add(sent_at(syn, deed.packet.at));
    }
}

void Tracker::do_supersede(const Deed& deed) {
    fail(deed, Cause::superseded);
    start_attempt(deed.key, deed.packet, true);
}

void Tracker::do_cross(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    attempt.state = State::crossed;
    attempt.server_isn = deed.packet.segment->seq;
    attempt.server_isn_count = 1;
    attempt.server_isn_from_syn = true;
    release_held(deed.key, deed.packet);
}

void Tracker::note_acked_octets(Attempt& attempt, const Segment& synack) {
    const std::uint32_t acked_octets = synack.ack - (attempt.client_isn + 1);
    if (acked_octets > 0) {
        AttemptDetails& details = table_.details(attempt);
        details.synack_acked_length = static_cast<std::uint16_t>(
            std::max<std::uint32_t>(details.synack_acked_length, acked_octets));
    }
}

void Tracker::note_synack(Attempt& attempt, const Judgement& judgement, const Packet& packet) {
    const Segment& synack = *packet.segment;
    const std::size_t n = judgement.server_isn_index;
    if (n < attempt.server_isn_count) {
        attempt.synack_of_syn_seen = true;
    } else if (n == 0) {
        attempt.server_isn = synack.seq;
        attempt.server_isn_count = 1;
    } else {
        table_.details(attempt).more_server_isns[n - 1] = synack.seq;
        ++attempt.server_isn_count;
    }
    note_acked_octets(attempt, synack);
    if (attempt.has_synack) {
        table_.details(attempt).synacks.add(sent_at(synack, packet.at));
        return;
    }
    note_first_synack(attempt, packet);
}

void Tracker::note_first_synack(Attempt& attempt, const Packet& packet) {
    const Segment& synack = *packet.segment;
    attempt.has_synack = true;
    attempt.synack_at = packet.at;
    attempt.has_synack_tsval = synack.has_timestamps;
    attempt.synack_tsval = synack.timestamps.value;
    attempt.synack_answers_first = attempt.dup_syn == 0;
    if (attempt.synack_answers_first) {
        static_cast<void>(span(attempt.start, packet.at));
    }
    if (attempt.dup_syn > 0 && synack.has_timestamps) {
        AttemptDetails& details = table_.details(attempt);
        const SentAt first{attempt.start, attempt.has_syn_tsval, attempt.syn_tsval};
        if (const auto sent = details.syns.named_by(synack.timestamps.echo, first)) {
            details.synack_latency = span(*sent, packet.at);
        }
    }
}

void Tracker::do_accept_synack(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    note_synack(attempt, deed.choice.judgement, deed.packet);
    attempt.state = is_failed(attempt.state) ? State::failed_received : State::syn_received;
    succeed_if_acknowledged_before(deed);
}

// The capture may show the client's ACK before the SYN/ACK that it acknowledges.
void Tracker::succeed_if_acknowledged_before(const Deed& deed) {
    const AttemptDetails* details = table_.find_details(table_[deed.choice.index]);
    if (details != nullptr && details->has_kept_ack &&
        details->kept_ack == deed.packet.segment->seq + 1 &&
        deed.packet.at - details->kept_ack_at < kSwappedAck) {
        succeed(deed, Cause::established);
    }
}

void Tracker::do_repeat_synack(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    increment_to_maximum(attempt.dup_synack);
    // A SYN/ACK that is sent again may acknowledge what the first did not.
    if (deed.choice.judgement.event == Event::s_synack_seen) {
        note_acked_octets(attempt, *deed.packet.segment);
    }
    table_.details(attempt).synacks.add(sent_at(*deed.packet.segment, deed.packet.at));
}

void Tracker::do_add_server_isn(const Deed& deed) {
    note_synack(table_[deed.choice.index], deed.choice.judgement, deed.packet);
    succeed_if_acknowledged_before(deed);
}

void Tracker::do_keep_client_ack(const Deed& deed) {
    AttemptDetails& details = table_.details(table_[deed.choice.index]);
    details.has_kept_ack = true;
    details.kept_ack = deed.packet.segment->ack;
    details.kept_ack_at = deed.packet.at;
}

void Tracker::do_note_challenge(const Deed& deed) {
    table_[deed.choice.index].server_answered = true;
    do_ignore_unfit(deed);
}

void Tracker::do_succeed(const Deed& deed) {
    succeed(deed, Cause::established);
}

void Tracker::do_succeed_unseen(const Deed& deed) {
    succeed(deed, Cause::synack_unseen);
}

void Tracker::do_succeed_self(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    if (!attempt.has_synack) {
        note_first_synack(attempt, deed.packet);
    }
    succeed(deed, Cause::simultaneous_open);
}

void Tracker::do_cross_client_ack(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    if (deed.choice.judgement.server_isn_index > 0) {
        // The server gave up its own SYN and answered the client's with another ISN.
        succeed(deed, Cause::established);
        return;
    }
    attempt.client_acked = true;
    finish_crossing(deed);
}

void Tracker::do_cross_client_synack(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    attempt.client_synack_seen = true;
    attempt.client_acked = true;
    finish_crossing(deed);
}

void Tracker::do_cross_server_ack(const Deed& deed) {
    table_[deed.choice.index].server_acked = true;
    finish_crossing(deed);
}

void Tracker::do_cross_synack(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    note_synack(attempt, deed.choice.judgement, deed.packet);
    attempt.server_acked = true;
    finish_crossing(deed);
}

void Tracker::finish_crossing(const Deed& deed) {
    const Attempt& attempt = table_[deed.choice.index];
    if (attempt.client_acked && attempt.server_acked) {
        succeed(deed, Cause::simultaneous_open);
    }
}

void Tracker::do_refuse(const Deed& deed) {
    fail(deed, Cause::refused);
}

void Tracker::do_reset(const Deed& deed) {
    fail(deed, Cause::reset);
}

void Tracker::do_abort(const Deed& deed) {
    fail(deed, Cause::client_reset);
}

void Tracker::keep_icmp(Attempt& attempt, const IcmpError& error) {
    table_.details(attempt).icmp = IcmpEvidence{error.reporter, error.type, error.code};
}

void Tracker::do_unreach(const Deed& deed) {
    keep_icmp(table_[deed.choice.index], *deed.packet.icmp);
    fail(deed, Cause::icmp_error);
}

void Tracker::do_keep_icmp(const Deed& deed) {
    keep_icmp(table_[deed.choice.index], *deed.packet.icmp);
}

void Tracker::do_hold_synack(const Deed& deed) {
    hold_synack(deed.packet);
}

}  // namespace tcpeek
