#include "exhaustive/naive_machine.h"

#include <algorithm>
#include <cctype>

namespace tcpeek::exhaustive {
namespace {

constexpr std::uint32_t kWindow = 65'535;
constexpr Duration kCopies = Duration::milliseconds(2);
constexpr Duration kHold = Duration::milliseconds(10);
constexpr std::size_t kMostServerIsns = 4;

bool is_same_packet(const Segment& a, const Segment& b) {
    return a.source == b.source && a.flags == b.flags && a.seq == b.seq && a.ack == b.ack &&
           a.payload_length == b.payload_length;
}

bool acknowledges_syn(const NaiveAttempt& attempt, SeqNumber ack) {
    return in_range(ack, attempt.isn + 1, attempt.syn_data);
}

// ISNs of the server's SYN/ACKs, each once.
std::vector<SeqNumber> synack_isns(const NaiveAttempt& attempt) {
    std::vector<SeqNumber> isns;
    for (const SynAck& synack : attempt.synacks) {
        if (std::find(isns.begin(), isns.end(), synack.seq) == isns.end()) {
            isns.push_back(synack.seq);
        }
    }
    return isns;
}

// With the one of its SYN, which comes before all SYN/ACKs.
std::vector<SeqNumber> server_isns(const NaiveAttempt& attempt) {
    std::vector<SeqNumber> isns = synack_isns(attempt);
    if (attempt.server_syn) {
        std::erase(isns, *attempt.server_syn);
        isns.insert(isns.begin(), *attempt.server_syn);
    }
    return isns;
}

// The server ISN that is meant by `next`, the number after it or one in the window from there;
// the exact one before all.
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

}  // namespace

// Time.

void NaiveMachine::pass_time(Timestamp now) {
    while (expire_one(now)) {
    }
    now_ = now;
    std::erase_if(held_, [now](const Held& held) { return now - held.at >= kHold; });
    std::erase_if(seen_, [now](const Seen& seen) { return now - seen.at > kCopies; });
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

bool NaiveMachine::is_copy(const IcmpError& error) const {
    return std::any_of(seen_.begin(), seen_.end(), [&](const Seen& seen) {
        return !seen.segment && seen.error.quoted_source == error.quoted_source &&
               seen.error.quoted_seq == error.quoted_seq;
    });
}

// Packets.

void NaiveMachine::on_segment(const Segment& segment, Timestamp now) {
    pass_time(now);
    const TcpFlags flags = segment.flags;
    if ((flags.syn() && flags.fin() && !flags.rst()) ||
        (!flags.syn() && !flags.rst() && !flags.ack()) || is_copy(segment)) {
        return;
    }
    // A packet of no attempt has no copies; nobody looks for those of an established connection.
    bool remembered = true;
    if (flags.syn() && !flags.ack() && !flags.rst()) {
        on_syn(segment);
    } else if (NaiveAttempt* attempt = find_by_numbers(segment)) {
        const bool over =
            attempt->verdict == Verdict::success || attempt->verdict == Verdict::unjudged;
        remembered = !over || flags.syn() || flags.rst() || now - attempt->completed <= kCopies;
        take(*attempt, segment, now);
    } else {
        remembered = note_unfit(segment);
        if (flags.syn() && !flags.rst()) {
            held_.push_back({segment, now});
            remembered = true;
        }
    }
    if (remembered) {
        seen_.push_back({.segment = segment, .error = {}, .at = now});
    }
}

void NaiveMachine::on_icmp(const IcmpError& error, Timestamp now) {
    pass_time(now);
    NaiveAttempt* const meant = find_quoted(error);
    if (meant == nullptr || is_copy(error)) {
        return;
    }
    seen_.push_back({.segment = {}, .error = error, .at = now});
    if (meant->verdict == Verdict::success || meant->verdict == Verdict::unjudged) {
        return;
    }
    meant->history += 'i';
    meant->icmp = true;
    if (meant->stage == Stage::syn_sent && meant->verdict == Verdict::none) {
        fail(*meant, Cause::icmp_error, now_);
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

void NaiveMachine::finish() {
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
            remember(attempt, now_);
            return;
        }
        if (pending != nullptr && pending != &attempt) {
            supersede(*pending);
        }
        ++attempt.dup_syn;
        attempt.syns_before_synack += attempt.synacks.empty() ? 1U : 0U;
        attempt.syn_data = std::max(attempt.syn_data, segment.payload_length);
        write(attempt, segment, true);
        renew(attempt);
        if (attempt.verdict == Verdict::failure) {
            remember(attempt, now_);
        }
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
        }
    }
}

void NaiveMachine::start(const Segment& syn) {
    NaiveAttempt attempt;
    attempt.client_is_near = syn.source == near_;
    attempt.isn = syn.seq;
    attempt.start = now_;
    attempt.syn_data = syn.payload_length;
    attempt.last_packet = now_;
    write(attempt, syn, true);
    attempts_.push_back(attempt);
    // A SYN/ACK that came too early counts as if it came now, but keeps its time.
    std::vector<Held> still_held;
    for (const Held& held : std::vector<Held>(held_)) {
        if (held.segment.destination == syn.source &&
            acknowledges_syn(attempts_.back(), held.segment.ack)) {
            take(attempts_.back(), held.segment, held.at);
        } else {
            still_held.push_back(held);
        }
    }
    held_ = still_held;
}

void NaiveMachine::supersede(NaiveAttempt& attempt) {
    fail(attempt, Cause::superseded, now_);
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

// What fits none is written down for the pending attempt, else for the newest that failed. Says
// whether it was shown to any attempt that it could be a copy for.
bool NaiveMachine::note_unfit(const Segment& segment) {
    NaiveAttempt* loser = find_pending();
    for (auto attempt = attempts_.rbegin(); attempt != attempts_.rend(); ++attempt) {
        if (loser == nullptr && attempt->verdict == Verdict::failure) {
            loser = &*attempt;
        }
    }
    if (loser == nullptr) {
        return segment.flags.rst() && !attempts_.empty();
    }
    write(*loser, segment, false);
    if (!is_from_client(*loser, segment) && segment.flags.ack() && !segment.flags.syn() &&
        !segment.flags.rst() && loser->stage == Stage::syn_sent) {
        loser->challenged = true;
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

// What it means to its attempt.

void NaiveMachine::take(NaiveAttempt& attempt, const Segment& segment, Timestamp at) {
    if (attempt.verdict == Verdict::success) {
        take_after_success(attempt, segment);
        return;
    }
    if (attempt.verdict == Verdict::unjudged) {
        return;
    }
    write(attempt, segment, true);
    const bool from_client = is_from_client(attempt, segment);
    if (segment.flags.rst()) {
        take_rst(attempt, segment);
    } else if (segment.flags.syn()) {
        from_client ? take_client_synack(attempt) : take_synack(attempt, segment, at);
    } else {
        from_client ? take_client_ack(attempt, segment) : take_server_segment(attempt, segment);
    }
}

void NaiveMachine::take_client_synack(NaiveAttempt& attempt) {
    renew(attempt);
    attempt.dup_synack += attempt.client_sent_synack ? 1U : 0U;
    attempt.client_sent_synack = true;
    attempt.server_isn_acked = true;
    attempt.acked_server_isn = attempt.server_syn;
    finish_crossing(attempt, nullptr);
}

void NaiveMachine::take_synack(NaiveAttempt& attempt, const Segment& segment, Timestamp at) {
    const std::vector<SeqNumber> isns = synack_isns(attempt);
    const bool known = std::find(isns.begin(), isns.end(), segment.seq) != isns.end();
    if (!known && isns.size() == kMostServerIsns) {
        return;
    }
    attempt.dup_synack += known ? 1U : 0U;
    attempt.synacks.push_back({segment.seq, segment.ack, at});
    renew(attempt);
    if (attempt.stage == Stage::crossed) {
        attempt.client_isn_acked = true;
        finish_crossing(attempt, nullptr);
        return;
    }
    attempt.stage = Stage::syn_received;
    if (attempt.kept_ack == segment.seq + 1 && at - attempt.kept_ack_at < kHold) {
        succeed(attempt, Cause::established, &segment);
    }
}

void NaiveMachine::take_client_ack(NaiveAttempt& attempt, const Segment& segment) {
    renew(attempt);
    if (attempt.stage == Stage::syn_sent) {
        attempt.kept_ack = segment.ack;
        attempt.kept_ack_at = now_;
    } else if (attempt.stage == Stage::syn_received) {
        succeed(attempt, Cause::established, &segment);
    } else {
        attempt.server_isn_acked = true;
        attempt.acked_server_isn = isn_before(attempt, segment.ack);
        finish_crossing(attempt, &segment);
    }
}

void NaiveMachine::take_server_segment(NaiveAttempt& attempt, const Segment& segment) {
    if (attempt.stage == Stage::syn_sent) {
        succeed(attempt, Cause::synack_unseen);
        return;
    }
    if (attempt.stage == Stage::crossed) {
        renew(attempt);
        attempt.client_isn_acked = true;
        finish_crossing(attempt, nullptr);
        return;
    }
    // The SYN/ACKs with the ISN that the segment continues.
    bool beyond = true;
    bool fast_open = false;
    for (const SynAck& synack : attempt.synacks) {
        fast_open = fast_open || synack.ack != attempt.isn + 1;
        if (synack.seq == *isn_before(attempt, segment.seq)) {
            beyond =
                beyond && segment.ack != synack.ack && in_range(segment.ack, synack.ack, kWindow);
        }
    }
    if (beyond || (segment.payload_length > 0 && !fast_open)) {
        succeed(attempt, Cause::established);
    }
}

void NaiveMachine::take_rst(NaiveAttempt& attempt, const Segment& segment) {
    const Cause cause = is_from_client(attempt, segment)   ? Cause::client_reset
                        : attempt.stage == Stage::syn_sent ? Cause::refused
                                                           : Cause::reset;
    renew(attempt);
    if (attempt.verdict == Verdict::none) {
        fail(attempt, cause, now_);
    }
}

void NaiveMachine::take_after_success(NaiveAttempt& attempt, const Segment& segment) {
    const std::vector<SeqNumber> isns = server_isns(attempt);
    const bool from_client = is_from_client(attempt, segment);
    if (segment.flags.rst()) {
        for (const SeqNumber isn : isns) {
            if (!from_client && segment.seq == isn + 1 && !attempt.server_reset_told) {
                attempt.server_reset_told = true;
                tell_event(attempt, SessionEvent::Kind::reset_early_by_server);
                return;
            }
        }
        if (from_client && segment.seq == attempt.isn + 1 && !attempt.client_reset_told) {
            attempt.client_reset_told = true;
            tell_event(attempt, SessionEvent::Kind::reset_early_by_client);
        }
        return;
    }
    // Crossed SYNs: the first SYN/ACK with the ISN of the server's SYN is none that is repeated.
    const std::vector<SeqNumber> repeated = synack_isns(attempt);
    if (!segment.flags.syn() || from_client || attempt.unaccepted_told ||
        std::find(repeated.begin(), repeated.end(), segment.seq) == repeated.end()) {
        return;
    }
    Duration patience = Duration::milliseconds(200);
    if (!attempt.synacks.empty() && attempt.syns_before_synack == 1) {
        patience = std::max(patience, attempt.synacks.front().at - attempt.start);
    }
    if (now_ - attempt.completed > patience) {
        attempt.unaccepted_told = true;
        tell_event(attempt, SessionEvent::Kind::unaccepted);
    }
}

void NaiveMachine::finish_crossing(NaiveAttempt& attempt, const Segment* client_ack) {
    if (attempt.client_isn_acked && attempt.server_isn_acked) {
        succeed(attempt,
                attempt.acked_server_isn == attempt.server_syn ? Cause::simultaneous_open
                                                               : Cause::established,
                client_ack);
    }
}

// Verdicts.

void NaiveMachine::write(NaiveAttempt& attempt, const Segment& segment, bool fits) const {
    const TcpFlags flags = segment.flags;
    const char letter = !fits                         ? 'X'
                        : flags.rst()                 ? 'R'
                        : flags.syn() && flags.ack()  ? 'H'
                        : flags.syn()                 ? 'S'
                        : flags.fin()                 ? 'F'
                        : segment.payload_length != 0 ? 'D'
                                                      : 'A';
    attempt.history +=
        is_from_client(attempt, segment) ? letter : static_cast<char>(std::tolower(letter));
}

void NaiveMachine::succeed(NaiveAttempt& attempt, Cause cause, const Segment* client_ack) {
    attempt.completed = now_;
    tell(attempt, cause, now_);
    Line& line = told_.back();
    line.recovered = attempt.verdict == Verdict::failure;
    if (client_ack != nullptr && attempt.synacks.size() == 1) {
        const Timestamp answered = client_ack->flags.syn() ? now_ : attempt.synacks.front().at;
        line.ack = now_ - answered;
    }
    attempt.verdict = Verdict::success;
    remember(attempt, now_);
}

void NaiveMachine::fail(NaiveAttempt& attempt, Cause cause, Timestamp at) {
    if (attempt.verdict == Verdict::none) {
        tell(attempt, cause, at);
        attempt.verdict = Verdict::failure;
        told_.back().last_packet = attempt.last_packet - attempt.start;
    }
    remember(attempt, at);
}

void NaiveMachine::remember(NaiveAttempt& attempt, Timestamp since) const {
    const Duration longest = std::max(timeout_ * 4, Duration::seconds(240));
    attempt.remember_until = std::min(since + timeout_, attempt.start + longest);
}

void NaiveMachine::tell(const NaiveAttempt& attempt, Cause cause, Timestamp at) {
    Line line;
    line.client_is_near = attempt.client_is_near;
    line.start = attempt.start;
    line.elapsed = at - attempt.start;
    line.cause = cause;
    line.dup_syn = attempt.dup_syn;
    line.dup_synack = attempt.dup_synack;
    line.history = attempt.history;
    line.icmp = attempt.icmp && (cause == Cause::icmp_error || cause == Cause::no_ack ||
                                 cause == Cause::superseded);
    if (!attempt.synacks.empty() && attempt.syns_before_synack == 1) {
        line.synack = std::max(Duration{}, attempt.synacks.front().at - attempt.start);
    }
    told_.push_back(line);
}

void NaiveMachine::tell_event(const NaiveAttempt& attempt, SessionEvent::Kind kind) {
    Line line;
    line.event = kind;
    line.client_is_near = attempt.client_is_near;
    line.start = attempt.start;
    line.elapsed = now_ - attempt.start;
    told_.push_back(line);
}

}  // namespace tcpeek::exhaustive
