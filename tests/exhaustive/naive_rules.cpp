// What a packet means to the attempt that it belongs to, by the naive machine; and the verdicts.
#include <algorithm>
#include <cctype>

#include "exhaustive/naive_machine.h"

namespace tcpeek::exhaustive {
namespace {

constexpr std::size_t kMostServerIsns = 4;
constexpr std::size_t kLettersTold = 32;

}  // namespace

void NaiveMachine::take(NaiveAttempt& attempt, const Segment& segment) {
    if (attempt.verdict == Verdict::success) {
        if (!tell_after_success(attempt, segment)) {
            count_after(attempt);
        }
        return;
    }
    if (attempt.verdict == Verdict::unjudged) {
        count_after(attempt);
        return;
    }
    write(attempt, segment, true);
    const bool from_client = is_from_client(attempt, segment);
    if (segment.flags.rst()) {
        take_rst(attempt, segment);
    } else if (segment.flags.syn()) {
        from_client ? take_client_synack(attempt) : take_synack(attempt, segment);
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

void NaiveMachine::take_synack(NaiveAttempt& attempt, const Segment& segment) {
    const std::vector<SeqNumber> isns = synack_isns(attempt);
    const bool known = std::find(isns.begin(), isns.end(), segment.seq) != isns.end();
    if (!known && isns.size() == kMostServerIsns) {
        ++ignored_.useless;
        return;
    }
    attempt.dup_synack += known ? 1U : 0U;
    if (attempt.synacks.empty()) {
        if (const auto syn = answered(attempt.syns, segment)) {
            attempt.synack_time = std::max(Duration{}, at_ - *syn);
        }
    }
    attempt.synacks.push_back({segment.seq, segment.ack, {at_, tsval_of(segment)}});
    renew(attempt);
    if (attempt.stage == Stage::crossed) {
        attempt.client_isn_acked = true;
        finish_crossing(attempt, nullptr);
        return;
    }
    attempt.stage = Stage::syn_received;
    if (!known && attempt.kept_ack == segment.seq + 1 && at_ - attempt.kept_ack_at < kHold) {
        succeed(attempt, Cause::established, &segment);
    }
}

void NaiveMachine::take_client_ack(NaiveAttempt& attempt, const Segment& segment) {
    renew(attempt);
    if (attempt.stage == Stage::syn_sent) {
        attempt.kept_ack = segment.ack;
        attempt.kept_ack_at = at_;
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
    } else {
        ++ignored_.useless;
    }
}

void NaiveMachine::take_rst(NaiveAttempt& attempt, const Segment& segment) {
    const Cause cause = is_from_client(attempt, segment)   ? Cause::client_reset
                        : attempt.stage == Stage::syn_sent ? Cause::refused
                                                           : Cause::reset;
    renew(attempt);
    if (attempt.verdict == Verdict::none) {
        fail(attempt, cause, at_);
    } else {
        count_after(attempt);
    }
}

// Whether it is one of the events that are told after a success.
bool NaiveMachine::tell_after_success(NaiveAttempt& attempt, const Segment& segment) {
    const bool from_client = is_from_client(attempt, segment);
    if (segment.flags.rst()) {
        const std::vector<SeqNumber> isns = server_isns(attempt);
        const bool early = from_client ? segment.seq == attempt.isn + 1
                                       : std::any_of(isns.begin(), isns.end(), [&](SeqNumber isn) {
                                             return segment.seq == isn + 1;
                                         });
        bool& told = from_client ? attempt.client_reset_told : attempt.server_reset_told;
        if (!early || told) {
            return false;
        }
        told = true;
        tell_event(attempt, from_client ? SessionEvent::Kind::reset_early_by_client
                                        : SessionEvent::Kind::reset_early_by_server);
        return true;
    }
    // Crossed SYNs: the first SYN/ACK with the ISN of the server's SYN is none that is repeated.
    const std::vector<SeqNumber> repeated = synack_isns(attempt);
    constexpr Duration kPatience = Duration::milliseconds(200);
    if (!segment.flags.syn() || from_client || attempt.unaccepted_told ||
        std::find(repeated.begin(), repeated.end(), segment.seq) == repeated.end() ||
        at_ - attempt.completed <= std::max(kPatience, attempt.synack_time.value_or(kPatience))) {
        return false;
    }
    attempt.unaccepted_told = true;
    tell_event(attempt, SessionEvent::Kind::unaccepted);
    return true;
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
    attempt.completed = at_;
    tell(attempt, cause, at_);
    Line& line = told_.back();
    line.recovered = attempt.verdict == Verdict::failure;
    if (client_ack != nullptr) {
        std::vector<Sent> synacks;
        for (const SynAck& synack : attempt.synacks) {
            synacks.push_back(synack.sent);
        }
        // Seen before its SYN/ACK, the ACK is known by its time only.
        const bool was_kept = client_ack->flags.syn();
        const auto synack =
            was_kept && synacks.size() > 1 ? std::nullopt : answered(synacks, *client_ack);
        if (synack) {
            line.ack = std::max(Duration{}, (was_kept ? attempt.kept_ack_at : at_) - *synack);
        }
    }
    attempt.verdict = Verdict::success;
    remember(attempt, now_);
}

void NaiveMachine::fail(NaiveAttempt& attempt, Cause cause, Timestamp at) {
    if (attempt.verdict == Verdict::none) {
        tell(attempt, cause, at);
        attempt.verdict = Verdict::failure;
        told_.back().last_packet = std::max(Duration{}, attempt.last_packet - attempt.start);
    }
    // That the time was over shows later than it was.
    remember(attempt,
             cause == Cause::no_ack || cause == Cause::no_reply || cause == Cause::challenged
                 ? at
                 : now_);
}

void NaiveMachine::remember(NaiveAttempt& attempt, Timestamp since) const {
    const Duration longest = std::max(timeout_ * 4, Duration::seconds(240));
    attempt.remember_until =
        std::min(std::max(attempt.remember_until, since + timeout_), attempt.start + longest);
}

void NaiveMachine::tell(const NaiveAttempt& attempt, Cause cause, Timestamp at) {
    Line line;
    line.client_is_near = attempt.client_is_near;
    line.start = attempt.start_told;
    line.elapsed = std::max(Duration{}, at - attempt.start);
    line.cause = cause;
    line.dup_syn = attempt.dup_syn;
    line.dup_synack = attempt.dup_synack;
    line.history = attempt.history.substr(0, kLettersTold);
    line.history += attempt.history.size() > kLettersTold ? "+" : "";
    line.icmp = attempt.icmp && (cause == Cause::icmp_error || cause == Cause::no_ack ||
                                 cause == Cause::superseded);
    line.synack = attempt.synack_time;
    told_.push_back(line);
}

void NaiveMachine::tell_event(const NaiveAttempt& attempt, SessionEvent::Kind kind) {
    Line line;
    line.event = kind;
    line.client_is_near = attempt.client_is_near;
    line.start = attempt.start_told;
    line.elapsed = time_ - attempt.start_told;
    told_.push_back(line);
}

}  // namespace tcpeek::exhaustive
