#include "exhaustive/naive_machine.h"

#include <algorithm>

namespace tcpeek::exhaustive {
namespace {

constexpr Duration kCopies = Duration::milliseconds(2);
constexpr Duration kStepBack = Duration::seconds(1);

bool is_same_packet(const Segment& a, const Segment& b) {
    return a.source == b.source && a.flags == b.flags && a.seq == b.seq && a.ack == b.ack &&
           a.payload_length == b.payload_length && tsval_of(a) == tsval_of(b);
}

}  // namespace

// Time.

void NaiveMachine::pass_time(Timestamp time) {
    time_ = time;
    at_ = time + offset_;
    if (at_ < now_ - kStepBack) {
        offset_ = offset_ + (now_ - at_);
        at_ = now_;
    }
    now_ = std::max(now_, at_);
    while (expire_one(now_)) {
    }
    ignored_.orphan_synacks +=
        std::erase_if(held_, [this](const Held& held) { return now_ - held.held_at >= kHold; });
    std::erase_if(seen_, [this](const Seen& seen) { return now_ - seen.at > kCopies; });
}

// Whatever ends first by `now`, the older attempt first.
bool NaiveMachine::expire_one(Timestamp now) {
    auto end_of = [this](const NaiveAttempt& attempt) {
        return attempt.verdict == Verdict::none ? attempt.last_packet + timeout_
                                                : attempt.remember_until;
    };
    const auto next =
        std::min_element(attempts_.begin(), attempts_.end(),
                         [&](const auto& a, const auto& b) { return end_of(a) < end_of(b); });
    if (next == attempts_.end() || end_of(*next) > now) {
        return false;
    }
    const Timestamp end = end_of(*next);
    if (next->verdict != Verdict::none) {
        attempts_.erase(next);
    } else if (next->stage != Stage::syn_sent) {
        fail(*next, Cause::no_ack, end);
    } else if (next->kept_ack) {
        next->verdict = Verdict::unjudged;
        tell(*next, Cause::one_way, end);
        remember(*next, end);
    } else {
        fail(*next, next->challenged ? Cause::challenged : Cause::no_reply, end);
    }
    return true;
}

bool NaiveMachine::is_copy(const Segment& segment) const {
    return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
        return seen.segment && is_same_packet(*seen.segment, segment);
    });
}

// A packet of no attempt has no copies, and nobody looks for those of an established connection.
bool NaiveMachine::may_have_copies(const NaiveAttempt& attempt, const Segment& segment) const {
    const bool over = attempt.verdict == Verdict::success || attempt.verdict == Verdict::unjudged;
    return !over || segment.flags.syn() || segment.flags.rst() ||
           at_ - attempt.completed <= kCopies;
}

bool NaiveMachine::is_copy(const IcmpError& error) const {
    return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
        return !seen.segment && seen.error.quoted_source == error.quoted_source &&
               seen.error.quoted_seq == error.quoted_seq;
    });
}

// Packets.

void NaiveMachine::on_segment(const Segment& segment, Timestamp time) {
    pass_time(time);
    const TcpFlags flags = segment.flags;
    if (flags.syn() && flags.fin() && !flags.rst()) {
        ++ignored_.syn_fin;
        return;
    }
    if (!flags.syn() && !flags.rst() && !flags.ack()) {
        ++ignored_.no_ack;
        return;
    }
    if (is_copy(segment)) {
        const NaiveAttempt* const attempt = find_meant(segment);
        if (attempt == nullptr || may_have_copies(*attempt, segment)) {
            ++ignored_.duplicates;
        } else {
            count_after(*attempt);
        }
        return;
    }
    bool remembered = true;
    if (flags.syn() && !flags.ack() && !flags.rst()) {
        on_syn(segment);
    } else if (NaiveAttempt* attempt = find_by_numbers(segment)) {
        remembered = may_have_copies(*attempt, segment);
        take(*attempt, segment);
    } else {
        remembered = note_unfit(segment);
        if (flags.syn() && !flags.rst()) {
            held_.push_back({segment, time_, at_, now_});
            remembered = true;
        }
    }
    if (remembered) {
        seen_.push_back({.segment = segment, .error = {}, .at = now_});
    }
}

void NaiveMachine::on_icmp(const IcmpError& error, Timestamp time) {
    pass_time(time);
    NaiveAttempt* const meant = find_quoted(error);
    if (meant == nullptr) {
        ++ignored_.icmp_unmatched;
        return;
    }
    if (is_copy(error)) {
        ++ignored_.duplicates;
        return;
    }
    seen_.push_back({.segment = {}, .error = error, .at = now_});
    if (meant->verdict != Verdict::none) {
        count_after(*meant);
    }
    if (meant->verdict == Verdict::success || meant->verdict == Verdict::unjudged) {
        return;
    }
    meant->history += 'i';
    meant->icmp = true;
    if (meant->stage == Stage::syn_sent && meant->verdict == Verdict::none) {
        fail(*meant, Cause::icmp_error, at_);
    }
}

// The attempt whose SYN or SYN/ACK is quoted: of several the pending one, else the newest.
NaiveAttempt* NaiveMachine::find_quoted(const IcmpError& error) {
    NaiveAttempt* meant = nullptr;
    for (NaiveAttempt& attempt : attempts_) {
        const bool quotes_client = (error.quoted_source == near_) == attempt.client_is_near;
        // Of crossed SYNs both belong to the attempt; there is no rule beyond that.
        const std::vector<SeqNumber> isns = server_isns(attempt);
        const bool quotes_server =
            !quotes_client && std::find(isns.begin(), isns.end(), error.quoted_seq) != isns.end();
        const bool quotes_syn = quotes_client && error.quoted_seq == attempt.isn;
        if (error.destination == error.quoted_source.address && (quotes_syn || quotes_server) &&
            (meant == nullptr || meant->verdict != Verdict::none)) {
            meant = &attempt;
        }
    }
    return meant;
}

void NaiveMachine::count_after(const NaiveAttempt& attempt) {
    ++(attempt.verdict == Verdict::success   ? ignored_.after_success
       : attempt.verdict == Verdict::failure ? ignored_.after_failure
                                             : ignored_.after_unjudged);
}

void NaiveMachine::finish() {
    ignored_.orphan_synacks += held_.size();
    for (const NaiveAttempt& attempt : attempts_) {
        if (attempt.verdict == Verdict::none) {
            tell(attempt, attempt.stage == Stage::syn_sent ? Cause::syn_sent : Cause::syn_received,
                 now_);
        }
    }
}

// SYNs.

void NaiveMachine::on_syn(const Segment& segment) {
    const bool from_near = segment.source == near_;
    NaiveAttempt* const pending = find_pending();
    for (NaiveAttempt& attempt : attempts_) {
        if (attempt.client_is_near != from_near || attempt.isn != segment.seq) {
            continue;
        }
        if (attempt.verdict == Verdict::success || attempt.verdict == Verdict::unjudged) {
            ++(attempt.verdict == Verdict::success ? ignored_.syn_after_success
                                                   : ignored_.after_unjudged);
            remember(attempt, at_);
            return;
        }
        if (pending != nullptr && pending != &attempt) {
            supersede(*pending);
        }
        ++attempt.dup_syn;
        if (attempt.synacks.empty()) {
            attempt.syns.push_back({at_, tsval_of(segment)});
        }
        attempt.syn_data = std::max(attempt.syn_data, segment.payload_length);
        write(attempt, segment, true);
        renew(attempt);
        if (attempt.verdict == Verdict::failure) {
            remember(attempt, at_);
        }
        take_held(attempt, segment);
        return;
    }
    if (pending == nullptr) {
        start(segment);
    } else if (pending->client_is_near == from_near) {
        supersede(*pending);
        start(segment);
    } else {
        write(*pending, segment, true);
        if (pending->stage == Stage::syn_sent) {
            pending->stage = Stage::crossed;
            pending->server_syn = segment.seq;
            renew(*pending);
            take_held(*pending, segment);
        } else {
            ++ignored_.useless;
        }
    }
}

void NaiveMachine::start(const Segment& syn) {
    NaiveAttempt attempt;
    attempt.client_is_near = syn.source == near_;
    attempt.isn = syn.seq;
    attempt.start = at_;
    attempt.start_told = time_;
    attempt.syns = {{at_, tsval_of(syn)}};
    attempt.syn_data = syn.payload_length;
    attempt.last_packet = at_;
    write(attempt, syn, true);
    attempts_.push_back(attempt);
    take_held(attempts_.back(), syn);
}

// A SYN/ACK that came before the SYN that it acknowledges counts as if it came now, but keeps its
// time.
void NaiveMachine::take_held(NaiveAttempt& attempt, const Segment& syn) {
    const Timestamp syn_at = at_;
    const Timestamp syn_time = time_;
    std::vector<Held> still_held;
    for (const Held& held : std::vector<Held>(held_)) {
        if (held.segment.source == syn.source ||
            !in_range(held.segment.ack, syn.seq + 1, syn.payload_length)) {
            still_held.push_back(held);
        } else if (fit(attempt, held.segment) != Fit::none) {
            at_ = held.at;
            time_ = held.time;
            take(attempt, held.segment);
            at_ = syn_at;
            time_ = syn_time;
        } else {
            write(attempt, held.segment, false);
            ++ignored_.orphan_synacks;
        }
    }
    held_ = still_held;
}

void NaiveMachine::supersede(NaiveAttempt& attempt) {
    fail(attempt, Cause::superseded, at_);
}

// Whose packet it is.

NaiveAttempt* NaiveMachine::find_pending() {
    for (NaiveAttempt& attempt : attempts_) {
        if (attempt.verdict == Verdict::none) {
            return &attempt;
        }
    }
    return nullptr;
}

// The attempt that takes the segment: the pending one before a remembered one, the newest first.
NaiveAttempt* NaiveMachine::find_by_numbers(const Segment& segment) {
    NaiveAttempt* const pending = find_pending();
    for (const Fit wanted : {Fit::exact, Fit::window}) {
        if (pending != nullptr && fit(*pending, segment) == wanted) {
            return pending;
        }
        const auto newest =
            std::find_if(attempts_.rbegin(), attempts_.rend(),
                         [&](const auto& attempt) { return fit(attempt, segment) == wanted; });
        if (newest != attempts_.rend()) {
            return is_challenge(*newest, segment) ? nullptr : &*newest;
        }
    }
    return nullptr;
}

// Whether it is an ACK of the old connection's end that the new attempt asks, and so says that it
// holds that one still.
bool NaiveMachine::is_challenge(const NaiveAttempt& old, const Segment& segment) {
    const bool over = old.verdict == Verdict::success || old.verdict == Verdict::unjudged;
    const NaiveAttempt* const pending = find_pending();
    return over && pending != nullptr && !segment.flags.syn() && !segment.flags.rst() &&
           !is_from_client(*pending, segment) && fit(*pending, segment) == Fit::none;
}

// Who it would have been meant for that fits none: the pending attempt, else the newest that
// failed, else the newest.
NaiveAttempt* NaiveMachine::find_loser() {
    if (NaiveAttempt* const pending = find_pending()) {
        return pending;
    }
    const auto failed = std::find_if(attempts_.rbegin(), attempts_.rend(), [](const auto& attempt) {
        return attempt.verdict == Verdict::failure;
    });
    return failed != attempts_.rend() ? &*failed : attempts_.empty() ? nullptr : &attempts_.back();
}

NaiveAttempt* NaiveMachine::find_meant(const Segment& segment) {
    NaiveAttempt* const fitting = find_by_numbers(segment);
    return fitting != nullptr ? fitting : find_loser();
}

// What fits none is written down, unless all is over. Says whether it could have copies.
bool NaiveMachine::note_unfit(const Segment& segment) {
    const bool synack = segment.flags.syn() && !segment.flags.rst();
    NaiveAttempt* const loser = find_loser();
    if (loser == nullptr) {
        ignored_.mid_stream += synack ? 0U : 1U;
        return false;
    }
    if (loser->verdict == Verdict::success || loser->verdict == Verdict::unjudged) {
        if (!synack) {
            count_after(*loser);
        }
        return may_have_copies(*loser, segment);
    }
    write(*loser, segment, false);
    if (segment.flags.rst()) {
        ++ignored_.unfit_rsts;
    } else if (!synack) {
        ++ignored_.unfit_acks;
        if (!is_from_client(*loser, segment) && loser->stage == Stage::syn_sent) {
            loser->challenged = true;
        }
    }
    return true;
}

bool NaiveMachine::is_from_client(const NaiveAttempt& attempt, const Segment& segment) const {
    return (segment.source == near_) == attempt.client_is_near;
}

NaiveMachine::Fit NaiveMachine::fit(const NaiveAttempt& attempt, const Segment& segment) const {
    if (segment.flags.rst()) {
        return fit_of_rst(attempt, segment);
    }
    if (!segment.flags.syn()) {
        return fit_of_ack(attempt, segment);
    }
    if (!is_from_client(attempt, segment)) {
        return segment.ack == attempt.isn + 1           ? Fit::exact
               : acknowledges_syn(attempt, segment.ack) ? Fit::window
                                                        : Fit::none;
    }
    // A SYN/ACK of the client answers the server's SYN.
    const bool answers = attempt.server_syn && segment.ack == *attempt.server_syn + 1;
    return answers && segment.seq == attempt.isn ? Fit::exact : Fit::none;
}

NaiveMachine::Fit NaiveMachine::fit_of_rst(const NaiveAttempt& attempt,
                                           const Segment& segment) const {
    if (is_from_client(attempt, segment)) {
        return segment.seq == attempt.isn + 1           ? Fit::exact
               : acknowledges_syn(attempt, segment.seq) ? Fit::window
                                                        : Fit::none;
    }
    for (const SeqNumber isn : server_isns(attempt)) {
        if (segment.seq == isn + 1) {
            return Fit::exact;
        }
    }
    if (!segment.flags.ack() || !acknowledges_syn(attempt, segment.ack)) {
        return Fit::none;
    }
    return segment.ack == attempt.isn + 1 ? Fit::exact : Fit::window;
}

NaiveMachine::Fit NaiveMachine::fit_of_ack(const NaiveAttempt& attempt,
                                           const Segment& segment) const {
    const bool from_client = is_from_client(attempt, segment);
    const SeqNumber of_client = from_client ? segment.seq : segment.ack;
    const SeqNumber of_server = from_client ? segment.ack : segment.seq;
    if (!in_range(of_client, attempt.isn + 1, kWindow)) {
        return Fit::none;
    }
    const bool client_exact = of_client == attempt.isn + 1;
    if (attempt.stage == Stage::syn_sent) {
        if (from_client) {
            return client_exact ? Fit::exact : Fit::window;
        }
        if (!attempt.kept_ack || !in_range(of_server, *attempt.kept_ack, kWindow)) {
            return Fit::none;
        }
        return client_exact && of_server == *attempt.kept_ack ? Fit::exact : Fit::window;
    }
    const std::optional<SeqNumber> isn = isn_before(attempt, of_server);
    if (!isn) {
        return Fit::none;
    }
    return client_exact && of_server == *isn + 1 ? Fit::exact : Fit::window;
}

}  // namespace tcpeek::exhaustive
