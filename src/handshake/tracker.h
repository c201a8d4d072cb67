// The tracker: drives every connection attempt through the state table and tells its verdict.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "handshake/attempt_table.h"
#include "handshake/capture_losses.h"
#include "handshake/copy_detector.h"
#include "handshake/held_synacks.h"
#include "handshake/numbers.h"
#include "handshake/ports.h"
#include "handshake/tracker_clock.h"

namespace tcpeek {

struct TrackerConfig {
    Duration timeout = Duration::seconds(60);
    // Limit of pending attempts, of remembered successes and of remembered failures, each.
    std::uint32_t max_sessions = 1'048'576;
    // Makes hashes unforeseeable; any value gives the same verdicts.
    std::uint64_t seed = 0;
    // For a filter in the kernel: the sink is told which pairs of endpoints are over.
    bool tells_settled = false;
};

// Everything that happened without a record. Totals since the start.
// By state and event. Remembered attempts of a capture that ends are not counted.
using CellCounts = std::array<std::array<std::uint64_t, kEventCount>, kStateCount>;

struct TrackerCounters {
    CellCounts cells{};  // what happened, by cell of the state table
    std::array<std::uint64_t, kUnfitKindCount> unfit{};  // ignored: numbers do not fit
    std::uint64_t useless = 0;                           // ignored: numbers fit, nothing new
    std::uint64_t mid_stream = 0;                        // of connections whose SYN was not seen
    std::uint64_t syn_fin = 0;                           // SYN with FIN
    std::uint64_t no_ack = 0;                            // neither SYN, RST nor ACK
    std::uint64_t icmp_unmatched = 0;                    // ICMP errors that quote no attempt's SYN
    std::uint64_t orphan_synacks = 0;                    // held, and no SYN came
    std::uint64_t after_success = 0;
    std::uint64_t syn_after_success = 0;
    std::uint64_t after_unjudged = 0;
    std::uint64_t after_failure = 0;
    std::uint64_t duplicate_packets = 0;  // copies that the capture made
    std::uint64_t unmatched = 0;          // attempts that no filter wants
    std::uint64_t evicted = 0;            // pending attempts above the limit
    std::uint64_t backward_clock_steps = 0;
    std::uint64_t negative_durations = 0;   // clamped to 0: the packets' clock went back
    std::uint64_t ambiguous_latencies = 0;  // samples left out by Karn's rule
};

// Pending attempts by what is known of them so far.
struct PendingCounts {
    enum Kind : std::uint8_t { syn_sent, syn_sent_retried, syn_received, syn_received_retried };

    std::array<std::uint32_t, 4> of_kind{};  // by Kind; retried: a SYN or SYN/ACK came again
};

// Not thread-safe. `classifier` and `sink` must outlive it. Memory grows with the number of
// attempts up to the limits and never beyond; no call allocates per packet in the long run.
class Tracker {
  public:
    Tracker(const TrackerConfig& config, Classifier& classifier, VerdictSink& sink);

    // Work that can be done on a segment before its turn comes: `name`, `expect` and, a little
    // later each, `fetch` and `fetch_more` let the memory that it will need arrive meanwhile. They
    // change nothing.
    struct Pair {
        std::uint64_t hash = 0;  // of its key, which most packets do not need
    };
    [[nodiscard]] Pair name(const Segment& segment) const {
        return {ConnectionKey::hash_of(segment.source, segment.destination, config_.seed)};
    }
    void expect(const Pair& pair) const { table_.prefetch_bucket(pair.hash); }
    void fetch(const Pair& pair) const { table_.prefetch_first(pair.hash); }
    void fetch_more(const Pair& pair) const { table_.prefetch_second(pair.hash); }

    // Each frame of the capture goes to exactly one of these, in capture order. `packet_time` is
    // the frame's own time; what expires by then is told first.
    void on_segment(const Segment& segment, Timestamp packet_time, InterfaceId interface) {
        on_segment(segment, name(segment), packet_time, interface);
    }
    // `pair` is what `name` made of the segment.
    void on_segment(const Segment& segment, const Pair& pair, Timestamp packet_time,
                    InterfaceId interface) {
        const Timestamp at = clock_.observe(packet_time);
        expire();
        const SegmentKind kind = kind_of(segment.flags);
        if (kind == SegmentKind::ack && is_long_established(pair.hash, at)) {
            ++counters_.after_success;
        } else {
            look_closer(segment, pair, kind, packet_time, at, interface);
        }
    }
    void on_icmp(const IcmpError& error, Timestamp packet_time);
    void on_other(Timestamp packet_time);

    // No packet earlier than `packet_scale_time` will come any more: tells what expires by then.
    void advance(Timestamp packet_scale_time);
    // The packets' clock was set forward by `step`; waiting attempts must not notice.
    void absorb_forward_step(Duration step) { clock_.absorb_forward_step(step); }
    // The capture lost packets between two times on the packets' scale, not before those of the
    // last call: timeouts of attempts that were under way then are doubtful.
    void note_capture_loss(Timestamp from, Timestamp to) {
        losses_.add(clock_.on_scale(from), clock_.on_scale(to));
    }
    // Whether something may expire before a packet of this time is looked at.
    [[nodiscard]] bool expires_before(Timestamp packet_time) const {
        return clock_.on_scale(packet_time) >= next_deadline_;
    }
    // The capture ends: what is still pending is told as such, in the order of their starts, and
    // everything is forgotten.
    void finish();

    [[nodiscard]] std::uint32_t pending() const { return pending_.size(); }
    [[nodiscard]] const PendingCounts& pending_counts() const { return pending_counts_; }
    // Pending attempts and remembered failures: those that packets other than a SYN can still give
    // a verdict.
    [[nodiscard]] std::uint32_t open_attempts() const { return pending_.size() + failures_.size(); }
    [[nodiscard]] bool has_open_attempt(const ConnectionKey& key) const {
        return has_open_attempt(key, key.hash(config_.seed));
    }
    // Calls `visit(const ConnectionKey&, SeqNumber isn)` for the open attempts in `count` places of
    // the table from place `from` on; false from it ends the visit. Returns the place to go on at,
    // 0 when all have been visited.
    template <typename Visit>
    std::uint32_t visit_open_attempts(std::uint32_t from, std::uint32_t count, Visit visit) const;
    [[nodiscard]] std::uint32_t remembered() const { return successes_.size() + failures_.size(); }
    [[nodiscard]] TrackerCounters counters() const;
    // When the next attempt expires, on the tracker's scale; nothing when none is pending.
    [[nodiscard]] std::optional<Duration> until_next_expiry() const;

  private:
    // Remembered attempts of one pair; more would let one pair's SYNs make every lookup long.
    static constexpr std::uint32_t kMaxRememberedPerPair = 8;

    // The packet in hand.
    struct Packet {
        const Segment* segment = nullptr;  // null for ICMP
        const IcmpError* icmp = nullptr;
        SegmentKind kind = SegmentKind::ack;
        Timestamp time;  // the packet's own
        Timestamp at;    // on the tracker's scale
        InterfaceId interface;
        std::uint64_t key_hash = 0;
        bool was_held = false;  // shown again; whether it is a copy was asked when it came
    };
    // An attempt and what the packet in hand means to it.
    struct Choice {
        AttemptIndex index = kNoIndex;
        State state = State::none;
        Judgement judgement;
    };
    // All attempts of one pair, judged.
    struct PairView {
        Choice best;     // whose numbers fit; kNoIndex when none
        Choice pending;  // kNoIndex when none
        Choice newest_failed;
        Choice newest;
    };

    // An established connection's traffic is most of what there is: one look, no judgement. Whether
    // a success is all that is known of the pair, so long ago that no packet of it can be a copy of
    // the one that gave the verdict.
    [[nodiscard]] bool is_long_established(std::uint64_t key_hash, Timestamp at) const {
        const RememberedSuccess* success = table_.only_success(key_hash);
        return success != nullptr && at - success->last_packet() > CopyDetector::kWindow &&
               !outlives_memory(success->start());
    }
    void look_closer(const Segment& segment, const Pair& pair, SegmentKind kind,
                     Timestamp packet_time, Timestamp at, InterfaceId interface);
    void handle(const ConnectionKey& key, const Packet& packet);
    void judge_segment(const ConnectionKey& key, const Packet& packet);
    [[nodiscard]] Choice judge_attempt(const ConnectionKey& key, AttemptIndex index,
                                       const Packet& packet) const;
    PairView view_pair(const ConnectionKey& key, AttemptIndex newest, const Packet& packet) const;
    [[nodiscard]] Choice choose(const PairView& view, const Packet& packet) const;
    [[nodiscard]] bool is_repeated_by_capture(const ConnectionKey& key, const Choice& choice,
                                              Action action, const Packet& packet);
    void no_attempt(const ConnectionKey& key, const Packet& packet);
    // `pair_is_known`: there are attempts of it already.
    void start_attempt(const ConnectionKey& key, const Packet& packet, bool pair_is_known);
    // Forgets the oldest remembered attempt of a pair that has as many as may be.
    void make_room_in_pair(const ConnectionKey& key, std::uint64_t key_hash);
    [[nodiscard]] std::uint64_t fingerprint(const ConnectionKey& key, const Packet& packet) const;
    // When the session succeeded, of a remembered success or one that nobody can judge.
    [[nodiscard]] Timestamp completed_at(AttemptIndex index) const;
    [[nodiscard]] bool seen_unmatched(const Packet& packet);
    void hold_synack(const Packet& packet);
    void release_held(const ConnectionKey& key, const Packet& syn);

    // What an action does to the attempt it is about; `key` and `view` are its pair's.
    struct Deed {
        Choice choice;
        const Packet& packet;
        const ConnectionKey& key;
        const PairView& view;
    };
    struct ActionRow;
    static const std::array<ActionRow, kActionCount>& action_rows();
    void act(const Deed& deed);
    void act_on_pending(const Deed& deed, Action action);

    void do_start(const Deed& deed);
    void do_count_dup_syn(const Deed& deed);
    void do_supersede(const Deed& deed);
    void do_cross(const Deed& deed);
    void do_accept_synack(const Deed& deed);
    void do_repeat_synack(const Deed& deed);
    void do_add_server_isn(const Deed& deed);
    void do_keep_client_ack(const Deed& deed);
    void do_note_challenge(const Deed& deed);
    void do_succeed(const Deed& deed);
    void do_succeed_unseen(const Deed& deed);
    void do_succeed_self(const Deed& deed);
    void do_cross_client_ack(const Deed& deed);
    void do_cross_client_synack(const Deed& deed);
    void do_cross_server_ack(const Deed& deed);
    void do_cross_synack(const Deed& deed);
    void do_refuse(const Deed& deed);
    void do_reset(const Deed& deed);
    void do_abort(const Deed& deed);
    void do_unreach(const Deed& deed);
    void do_keep_icmp(const Deed& deed);
    void do_hold_synack(const Deed& deed);
    void do_revive(const Deed& deed);
    void do_check_unaccepted(const Deed& deed);
    void do_server_reset_early(const Deed& deed);
    void do_client_reset_early(const Deed& deed);
    void do_ignore_mid_stream(const Deed& deed);
    void do_ignore_unfit(const Deed& deed);
    void do_ignore_useless(const Deed& deed);
    void do_ignore_after_success(const Deed& deed);
    void do_ignore_syn_after_success(const Deed& deed);
    void do_ignore_after_unjudged(const Deed& deed);
    void do_ignore_after_failure(const Deed& deed);
    // For cells that no packet can reach (expiry and the capture's end are no packets).
    void do_unreachable(const Deed& deed);

    void write_history(Attempt& attempt, const Packet& packet, bool fits);
    void note_repeated_syn(const Deed& deed);
    void note_synack(Attempt& attempt, const Judgement& judgement, const Packet& packet);
    void note_first_synack(Attempt& attempt, const Packet& packet);
    void finish_crossing(const Deed& deed);
    void keep_icmp(Attempt& attempt, const IcmpError& error);
    void note_start(Attempt& attempt, const Packet& packet);
    [[nodiscard]] Timestamp start_packet_time(const Attempt& attempt) const;
    [[nodiscard]] History history_of(const Attempt& attempt) const;
    // What follows a success; told once.
    void tell(SessionEvent::Kind kind, const Deed& deed);

    // A verdict. The attempt is remembered from then on.
    void succeed(const Deed& deed, Cause cause);
    void fail(AttemptIndex index, Event event, Cause cause, Timestamp at,
              Timestamp remembered_from);
    void fail(const Deed& deed, Cause cause);
    void time_out(AttemptIndex index);
    SessionRecord record_of(const Attempt& attempt, Event event, Cause cause, Timestamp at);
    // Never negative: a clock that went back gives 0 and is counted.
    Duration span(Timestamp from, Timestamp to);
    [[nodiscard]] std::optional<Duration> synack_latency(const Attempt& attempt) const;
    std::optional<Duration> ack_latency(const Attempt& attempt, const Packet& packet);

    void expire() {
        if (clock_.now() >= next_deadline_) {
            expire_due();
        }
    }
    void expire_due();
    void expire_run();
    void forget_expired(AttemptList& list);
    void forget(AttemptList& list, AttemptIndex index);
    [[nodiscard]] bool has_open_attempt(const ConnectionKey& key, std::uint64_t key_hash) const;
    void settle(const ConnectionKey& key, std::uint64_t key_hash, SeqNumber isn,
                VerdictSink::Settled why);
    void remember(AttemptIndex index, AttemptList& from, AttemptList& to, Timestamp since,
                  Timestamp last_packet);
    void renew_success(const Deed& deed);
    // How long after its start an attempt can be remembered at most.
    static Duration longest_memory(Duration timeout);
    void note_acked_octets(Attempt& attempt, const Segment& synack);
    void succeed_if_acknowledged_before(const Deed& deed);
    void renew(AttemptIndex index, AttemptList& list, Timestamp at);
    void recount_pending(Attempt& attempt);
    void count_cell(State state, Event event) {
        ++counters_.cells[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
    }
    void note_deadline(Timestamp deadline);
    // Whether a start lies further back than any attempt is remembered, however often renewed.
    [[nodiscard]] bool outlives_memory(Timestamp start) const {
        return clock_.now() >= start + longest_memory_;
    }
    [[nodiscard]] bool outlived_memory(AttemptIndex index) const {
        return outlives_memory(table_.start(index));
    }
    [[nodiscard]] bool is_forgotten(AttemptIndex index) const;
    AttemptList& list_of(AttemptIndex index);

    TrackerConfig config_;
    Classifier& classifier_;
    VerdictSink& sink_;
    Duration longest_memory_;
    TrackerClock clock_;
    CaptureLosses losses_;
    CopyDetector copies_;
    HeldSynacks held_;
    AttemptTable table_;
    ClockOffsets offsets_;  // at the starts of attempts
    AttemptList pending_;
    AttemptList successes_;  // unjudged ones, too
    AttemptList failures_;
    std::vector<AttemptIndex> expiring_;         // scratch of expire_run
    std::vector<std::uint64_t> unmatched_syns_;  // recent ones, by hash, so that each counts once
    Timestamp next_deadline_{INT64_MAX};         // nothing expires earlier
    TrackerCounters counters_;
    PendingCounts pending_counts_;
};

template <typename Visit>
std::uint32_t Tracker::visit_open_attempts(std::uint32_t from, std::uint32_t count,
                                           Visit visit) const {
    bool more = true;
    const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{from} + count, table_.places());
    for (std::uint64_t place = from; place < end && more; ++place) {
        table_.visit_place(static_cast<std::uint32_t>(place), [&](const Attempt& attempt) {
            if (more && (is_pending(attempt.state) || is_failed(attempt.state))) {
                more = visit(attempt.key, attempt.client_isn);
            }
        });
    }
    return more && end < table_.places() ? static_cast<std::uint32_t>(end) : 0;
}

}  // namespace tcpeek
