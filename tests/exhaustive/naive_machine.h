// A second machine for connection attempts, written from what the verdicts mean and for reading:
// lists, linear searches, rules in words. It judges one pair of endpoints and shares only value
// types with the tracker, so that both are unlikely to have the same mistake.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "exhaustive/naive_attempt.h"
#include "handshake/session_record.h"

namespace tcpeek::exhaustive {

// What either machine says, in one form: a session's record, or an event after a success.
struct Line {
    std::optional<SessionEvent::Kind> event;  // none: a record
    bool client_is_near = true;               // who opened
    Timestamp start;
    Duration elapsed;  // of an event: from the start
    Cause cause = Cause::established;
    std::uint32_t dup_syn = 0;
    std::uint32_t dup_synack = 0;
    std::string history;
    bool recovered = false;
    bool icmp = false;
    std::optional<Duration> synack;
    std::optional<Duration> ack;
    std::optional<Duration> last_packet;

    friend bool operator==(const Line&, const Line&) = default;
};

class NaiveMachine {
  public:
    NaiveMachine(Duration timeout, const Endpoint& near) : timeout_(timeout), near_(near) {}

    void on_segment(const Segment& segment, Timestamp time);
    void on_icmp(const IcmpError& error, Timestamp time);
    void on_other(Timestamp time) { pass_time(time); }
    void finish();

    [[nodiscard]] const std::vector<Line>& told() const { return told_; }
    [[nodiscard]] const Ignored& ignored() const { return ignored_; }

  private:
    // How well a segment's numbers name an attempt.
    enum class Fit { none, window, exact };
    struct Seen {
        std::optional<Segment> segment;  // none: an ICMP error
        IcmpError error;
        Timestamp at;
    };
    struct Held {
        Segment segment;
        Timestamp time;
        Timestamp at;
        Timestamp held_at;
    };
    using Attempts = std::vector<NaiveAttempt>;

    void pass_time(Timestamp time);
    bool expire_one(Timestamp now);
    [[nodiscard]] bool is_copy(const Segment& segment) const;
    [[nodiscard]] bool is_copy(const IcmpError& error) const;
    [[nodiscard]] bool may_have_copies(const NaiveAttempt& attempt, const Segment& segment) const;

    void on_syn(const Segment& segment);
    void start(const Segment& syn);
    void take_held(NaiveAttempt& attempt, const Segment& syn);
    void supersede(NaiveAttempt& attempt);
    NaiveAttempt* find_pending();
    NaiveAttempt* find_by_numbers(const Segment& segment);
    NaiveAttempt* find_quoted(const IcmpError& error);
    bool is_challenge(const NaiveAttempt& old, const Segment& segment);
    NaiveAttempt* find_loser();
    NaiveAttempt* find_meant(const Segment& segment);
    bool note_unfit(const Segment& segment);
    void count_after(const NaiveAttempt& attempt);
    [[nodiscard]] Fit fit(const NaiveAttempt& attempt, const Segment& segment) const;
    [[nodiscard]] Fit fit_of_rst(const NaiveAttempt& attempt, const Segment& segment) const;
    [[nodiscard]] Fit fit_of_ack(const NaiveAttempt& attempt, const Segment& segment) const;
    [[nodiscard]] bool is_from_client(const NaiveAttempt& attempt, const Segment& segment) const;

    void take(NaiveAttempt& attempt, const Segment& segment);
    void take_client_synack(NaiveAttempt& attempt);
    void take_synack(NaiveAttempt& attempt, const Segment& segment);
    void take_client_ack(NaiveAttempt& attempt, const Segment& segment);
    void take_server_segment(NaiveAttempt& attempt, const Segment& segment);
    void take_rst(NaiveAttempt& attempt, const Segment& segment);
    bool tell_after_success(NaiveAttempt& attempt, const Segment& segment);
    void finish_crossing(NaiveAttempt& attempt, const Segment* client_ack);

    void renew(NaiveAttempt& attempt) { attempt.last_packet = std::max(attempt.last_packet, at_); }
    void write(NaiveAttempt& attempt, const Segment& segment, bool fits) const;
    void succeed(NaiveAttempt& attempt, Cause cause, const Segment* client_ack = nullptr);
    void fail(NaiveAttempt& attempt, Cause cause, Timestamp at);
    void remember(NaiveAttempt& attempt, Timestamp since) const;
    void tell(const NaiveAttempt& attempt, Cause cause, Timestamp at);
    void tell_event(const NaiveAttempt& attempt, SessionEvent::Kind kind);

    Duration timeout_;
    Endpoint near_;
    Timestamp time_;            // of the packet in hand, its own
    Timestamp at_;              // the same without the steps of the packets' clock
    Timestamp now_{INT64_MIN};  // the latest `at_`
    Duration offset_;           // `at_` minus `time_`
    Attempts attempts_;         // in the order of their starts
    std::vector<Held> held_;
    std::vector<Seen> seen_;
    std::vector<Line> told_;
    Ignored ignored_;
};

}  // namespace tcpeek::exhaustive
