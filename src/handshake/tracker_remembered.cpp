// What the actions of the state table do once there was a verdict, and with what is ignored.
#include <algorithm>

#include "handshake/tracker.h"

namespace tcpeek {
void Tracker::do_revive(const Deed& deed) {
    const AttemptIndex index = deed.choice.index;
    const AttemptIndex pending = deed.view.pending.index;
    note_repeated_syn(deed);
    renew(index, failures_, deed.packet.at);
    if (pending != kNoIndex) {
        // It joins the list, which may push the oldest out: that must not be the one that is back.
        table_.remove(failures_, index);
        fail(pending, Event::c_syn_other, Cause::superseded, deed.packet.at, clock_.now());
        table_.insert_by_time(failures_, index);
        if (failures_.size() > config_.max_sessions) {
            forget(failures_, failures_.front() == index ? pending : failures_.front());
        }
    }
    release_held(deed.key, deed.packet);
}

void Tracker::do_check_unaccepted(const Deed& deed) {
    const AttemptIndex index = deed.choice.index;
    // Of one that is compact the first SYN/ACK came sooner than any that counts.
    const Duration crossing =
        table_.is_compact(index)
            ? kLeastUnaccepted
            : std::max(kLeastUnaccepted, synack_latency(table_[index]).value_or(kLeastUnaccepted));
    if (deed.packet.at - completed_at(index) <= crossing) {
        do_ignore_after_success(deed);
        return;
    }
    tell(SessionEvent::Kind::unaccepted, deed);
}

void Tracker::do_server_reset_early(const Deed& deed) {
    tell(SessionEvent::Kind::reset_early_by_server, deed);
}

void Tracker::do_client_reset_early(const Deed& deed) {
    tell(SessionEvent::Kind::reset_early_by_client, deed);
}

void Tracker::tell(SessionEvent::Kind kind, const Deed& deed) {
    const Attempt attempt = table_.copy(deed.choice.index, deed.key);
    if (!table_.mark_told(deed.choice.index, kind)) {
        do_ignore_after_success(deed);
        return;
    }
    sink_.on_event({.kind = kind,
                    .time = deed.packet.time,
                    .start = start_packet_time(attempt),
                    .client = attempt.client(),
                    .server = attempt.server(),
                    .filters = attempt.filters});
}

// A compact one has no room for a last packet that lies far back.
void Tracker::renew_success(const Deed& deed) {
    constexpr Duration kRoom = Duration::seconds(3);
    AttemptIndex index = deed.choice.index;
    const Timestamp completed = completed_at(index);
    const Timestamp renewed = std::max(table_.renewed_at(index), deed.packet.at);
    table_.remove(successes_, index);
    if (table_.is_compact(index) && renewed - completed > kRoom) {
        index = table_.expand(index, deed.key);
    }
    if (!table_.is_compact(index)) {
        table_.details(table_[index]).completed_at = completed;
    }
    table_.raise(index, renewed);
    table_.insert_by_time(successes_, index);
}

void Tracker::do_ignore_mid_stream(const Deed&) {
    ++counters_.mid_stream;
}

void Tracker::do_ignore_unfit(const Deed& deed) {
    ++counters_.unfit[static_cast<std::size_t>(unfit_kind(deed.choice.judgement.event))];
}

void Tracker::do_ignore_useless(const Deed&) {
    ++counters_.useless;
}

void Tracker::do_ignore_after_success(const Deed&) {
    ++counters_.after_success;
}

void Tracker::do_ignore_syn_after_success(const Deed& deed) {
    ++counters_.syn_after_success;
    renew_success(deed);
}

void Tracker::do_ignore_after_unjudged(const Deed& deed) {
    ++counters_.after_unjudged;
    if (deed.choice.judgement.event == Event::c_syn_same) {
        renew_success(deed);
    }
}

void Tracker::do_ignore_after_failure(const Deed&) {
    ++counters_.after_failure;
}

void Tracker::do_unreachable(const Deed&) {
    TCPEEK_UNREACHABLE("no packet leads to this cell of the state table");
}

}  // namespace tcpeek
