// What the actions of the state table do once there was a verdict, and with what is ignored.
#include <algorithm>

#include "handshake/tracker.h"

namespace tcpeek {
namespace {

// A SYN/ACK that crosses the final ACK on the wire comes sooner than this.
constexpr Duration kLeastUnaccepted = Duration::milliseconds(200);

}  // namespace

void Tracker::do_revive(const Deed& deed) {
    note_repeated_syn(deed);
    // Before the pending one joins the list, which may push the oldest out: that is not this one.
    renew(deed.choice.index, failures_, deed.packet.at);
    if (deed.view.pending.index != kNoIndex) {
        fail(deed.view.pending.index, Event::c_syn_other, Cause::superseded, deed.packet.at,
             clock_.now());
    }
    release_held(deed.key, deed.packet);
}

void Tracker::do_check_unaccepted(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    const Duration crossing =
        std::max(kLeastUnaccepted, synack_latency(attempt).value_or(kLeastUnaccepted));
    if (attempt.told_unaccepted || deed.packet.at - attempt.last_packet <= crossing) {
        do_ignore_after_success(deed);
        return;
    }
    attempt.told_unaccepted = true;
    tell(SessionEvent::Kind::unaccepted, attempt, deed.packet);
}

void Tracker::do_server_reset_early(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    if (attempt.told_server_reset) {
        do_ignore_after_success(deed);
        return;
    }
    attempt.told_server_reset = true;
    tell(SessionEvent::Kind::reset_early_by_server, attempt, deed.packet);
}

void Tracker::do_client_reset_early(const Deed& deed) {
    Attempt& attempt = table_[deed.choice.index];
    if (attempt.told_client_reset) {
        do_ignore_after_success(deed);
        return;
    }
    attempt.told_client_reset = true;
    tell(SessionEvent::Kind::reset_early_by_client, attempt, deed.packet);
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
    renew(deed.choice.index, successes_, deed.packet.at);
}

void Tracker::do_ignore_after_unjudged(const Deed& deed) {
    ++counters_.after_unjudged;
    if (deed.choice.judgement.event == Event::c_syn_same) {
        renew(deed.choice.index, successes_, deed.packet.at);
    }
}

void Tracker::do_ignore_after_failure(const Deed&) {
    ++counters_.after_failure;
}

void Tracker::do_unreachable(const Deed&) {
    TCPEEK_UNREACHABLE("no packet leads to this cell of the state table");
}

}  // namespace tcpeek
