#include "handshake/numbers.h"

#include <optional>

#include "base/assert.h"

namespace tcpeek {
namespace {

// What a judgement reads: the attempt, its rarely needed part (or null), the segment.
struct Case {
    const Attempt& attempt;
    const AttemptDetails* details;
    const Segment& segment;

    // Most SYNs carry no data, so its length stands in the rarely needed part.
    [[nodiscard]] std::uint32_t syn_data_length() const {
        return details == nullptr ? 0U : details->syn_data_length;
    }
    [[nodiscard]] std::uint32_t synack_acked_length() const {
        return details == nullptr ? 0U : details->synack_acked_length;
    }
    [[nodiscard]] SeqNumber client_next() const { return attempt.client_isn + 1; }
    // Whether the ack field acknowledges the SYN and at most the data it carried.
    [[nodiscard]] bool acknowledges_syn() const {
        return segment.flags.ack() && in_range(segment.ack, client_next(), syn_data_length());
    }
    [[nodiscard]] SeqNumber server_next(std::size_t n) const {
        return server_isn(attempt, details, n) + 1;
    }
    // The SYN alone, or all that came with it; an ack in between lies in its window only.
    [[nodiscard]] Fit fit_of(SeqNumber number) const {
        const std::uint32_t octets = number - client_next();
        return octets == 0 || octets == syn_data_length() ? Fit::exact : Fit::window;
    }
    // The server ISN for which `number` lies in its window; the exact one (ISN+1) first.
    [[nodiscard]] std::optional<std::uint8_t> server_isn_for(SeqNumber number) const {
        std::optional<std::uint8_t> within;
        for (std::uint8_t n = 0; n < attempt.server_isn_count; ++n) {
            if (number == server_next(n)) {
                return n;
            }
            if (!within && in_range(number, server_next(n), kAcceptableOctets)) {
                within = n;
            }
        }
        return within;
    }
};

Fit exact_if(bool exact) {
    return exact ? Fit::exact : Fit::window;
}

Judgement judge_syn(const Case& c, bool from_client) {
    if (!from_client) {
        return {Event::s_syn, Fit::none, 0};
    }
    if (c.segment.seq == c.attempt.client_isn) {
        return {Event::c_syn_same, Fit::exact, 0};
    }
    return {Event::c_syn_other, Fit::none, 0};
}

Judgement judge_server_synack(const Case& c) {
    if (!c.acknowledges_syn()) {
        return {Event::s_synack_bad, Fit::none, 0};
    }
    const Fit fit = c.fit_of(c.segment.ack);
    for (std::uint8_t n = 0; n < c.attempt.server_isn_count; ++n) {
        if (c.segment.seq == server_isn(c.attempt, c.details, n)) {
            const bool only_from_syn = n == 0 && c.attempt.server_isn_from_syn;
            const bool seen = !only_from_syn || c.attempt.synack_of_syn_seen;
            return {seen ? Event::s_synack_seen : Event::s_synack_new, fit, n};
        }
    }
    if (c.attempt.server_isn_count == kMaxServerIsns) {
        return {Event::s_synack_5th, fit, 0};
    }
    return {Event::s_synack_new, fit, c.attempt.server_isn_count};
}

Judgement judge_client_synack(const Case& c) {
    const Attempt& attempt = c.attempt;
    if (!attempt.server_isn_from_syn || c.segment.seq != attempt.client_isn ||
        c.segment.ack != c.server_next(0)) {
        return {Event::c_synack_bad, Fit::none, 0};
    }
    return {attempt.client_synack_seen ? Event::c_synack_seen : Event::c_synack_new, Fit::exact, 0};
}

Judgement judge_synack(const Case& c, bool from_client) {
    const Attempt& attempt = c.attempt;
    if (attempt.key.is_self()) {
        const bool own = c.segment.seq == attempt.client_isn && c.segment.ack == c.client_next();
        return own ? Judgement{Event::self_synack, Fit::exact, 0} : judge_server_synack(c);
    }
    return from_client ? judge_client_synack(c) : judge_server_synack(c);
}

Judgement judge_client_ack(const Case& c) {
    if (!in_range(c.segment.seq, c.client_next(), kAcceptableOctets)) {
        return {Event::c_ack_bad, Fit::none, 0};
    }
    const bool seq_exact = c.segment.seq == c.client_next();
    if (c.attempt.server_isn_count == 0) {
        return {Event::c_ack_open, exact_if(seq_exact), 0};
    }
    const auto acknowledged = c.server_isn_for(c.segment.ack);
    if (!acknowledged) {
        return {Event::c_ack_open, Fit::none, 0};
    }
    const bool ack_exact = c.segment.ack == c.server_next(*acknowledged);
    return {Event::c_ack_fits, exact_if(seq_exact && ack_exact), *acknowledged};
}

Judgement judge_server_segment(const Case& c) {
    if (!in_range(c.segment.ack, c.client_next(), kAcceptableOctets)) {
        return {Event::s_seg_bad, Fit::none, 0};
    }
    if (const auto from = c.server_isn_for(c.segment.seq)) {
        const std::uint32_t acked_octets = c.segment.ack - c.client_next();
        const bool beyond_synack = acked_octets > c.synack_acked_length();
        const bool data_after_ack = c.segment.payload_length > 0 && c.synack_acked_length() == 0;
        const bool seq_exact = c.segment.seq == c.server_next(*from);
        return {beyond_synack || data_after_ack ? Event::s_seg_proof : Event::s_seg_plain,
                exact_if(seq_exact && !beyond_synack), *from};
    }
    if (c.attempt.server_isn_count == 0 && c.details != nullptr && c.details->has_kept_ack &&
        in_range(c.segment.seq, c.details->kept_ack, kAcceptableOctets)) {
        return {Event::s_seg_vouch,
                exact_if(c.segment.seq == c.details->kept_ack && c.segment.ack == c.client_next()),
                0};
    }
    return {Event::s_seg_bad, Fit::none, 0};
}

Judgement judge_server_rst(const Case& c) {
    for (std::uint8_t n = 0; n < c.attempt.server_isn_count; ++n) {
        if (c.segment.seq == c.server_next(n)) {
            return {Event::s_rst_isn, Fit::exact, n};
        }
    }
    return c.acknowledges_syn() ? Judgement{Event::s_rst_ack, c.fit_of(c.segment.ack), 0}
                                : Judgement{Event::s_rst_bad, Fit::none, 0};
}

Judgement judge_client_rst(const Case& c) {
    if (c.segment.seq == c.client_next()) {
        return {Event::c_rst_isn, Fit::exact, 0};
    }
    return in_range(c.segment.seq, c.client_next(), c.syn_data_length())
               ? Judgement{Event::c_rst_data, c.fit_of(c.segment.seq), 0}
               : Judgement{Event::c_rst_bad, Fit::none, 0};
}

// An endpoint talking to itself is client and server: the better fit of the two counts.
Judgement better(const Judgement& a, const Judgement& b) {
    return b.fit > a.fit ? b : a;
}

}  // namespace

SeqNumber server_isn(const Attempt& attempt, const AttemptDetails* details, std::size_t n) {
    TCPEEK_ASSERT(n < attempt.server_isn_count);
    return n == 0 ? attempt.server_isn : details->more_server_isns[n - 1];
}

Judgement judge(const Attempt& attempt, const AttemptDetails* details, const Segment& segment,
                SegmentKind kind) {
    const Case c{attempt, details, segment};
    const bool self = attempt.key.is_self();
    const bool from_client =
        self || attempt.key.first_is(segment.source) == attempt.client_is_first;
    switch (kind) {
        case SegmentKind::syn:
            return judge_syn(c, from_client);
        case SegmentKind::synack:
            return judge_synack(c, from_client);
        case SegmentKind::ack:
            if (self) {
                return better(judge_server_segment(c), judge_client_ack(c));
            }
            return from_client ? judge_client_ack(c) : judge_server_segment(c);
        case SegmentKind::rst:
            if (self) {
                return better(judge_server_rst(c), judge_client_rst(c));
            }
            return from_client ? judge_client_rst(c) : judge_server_rst(c);
        case SegmentKind::syn_fin:
        case SegmentKind::no_ack:
            break;
    }
    TCPEEK_UNREACHABLE("segments of this kind belong to no attempt");
}

Judgement judge(const Attempt& attempt, const AttemptDetails* details, const IcmpError& error) {
    const bool quotes_client = attempt.key.first_is(error.quoted_source) == attempt.client_is_first;
    const bool to_quoted_sender = error.destination == error.quoted_source.address;
    if (!to_quoted_sender) {
        return {Event::icmp_synack, Fit::none, 0};
    }
    if (quotes_client || attempt.key.is_self()) {
        return {Event::icmp_syn, error.quoted_seq == attempt.client_isn ? Fit::exact : Fit::none,
                0};
    }
    for (std::uint8_t n = 0; n < attempt.server_isn_count; ++n) {
        if (error.quoted_seq == server_isn(attempt, details, n)) {
            return {Event::icmp_synack, Fit::exact, n};
        }
    }
    return {Event::icmp_synack, Fit::none, 0};
}

}  // namespace tcpeek
