// Plausible handshakes from bytes: each three octets are a move of one of four flows, which know
// what an honest host would send next; then it is dropped, repeated, swapped, or its numbers are
// bent. Whatever comes: limits hold, every attempt ends once, and neither the pieces in which the
// packets come nor the hash's seed changes a record.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tracker_moves.h"

namespace tcpeek {
namespace {

class EveryAttempt final : public Classifier {
  public:
    std::optional<MatchId> classify(const Endpoint& client, const Endpoint&) override {
        if (client.port == kUnwantedPort) {
            return std::nullopt;
        }
        ++attempts;
        return MatchId{};
    }

    std::uint64_t attempts = 0;
};

std::string text_of(const SessionRecord& r) {
    std::string text = to_string(r.client) + " " + to_string(r.server) + " " +
                       std::string(to_string(r.cause)) + " " + r.history.to_string();
    for (const std::int64_t number :
         {r.start.ns, r.elapsed.ns, r.synack.value_or(Duration{-1}).ns,
          r.ack.value_or(Duration{-1}).ns, r.last_packet.value_or(Duration{-1}).ns,
          std::int64_t{r.dup_syn}, std::int64_t{r.dup_synack}, std::int64_t{r.recovered},
          std::int64_t{r.icmp.has_value()}}) {
        text += " " + std::to_string(number);
    }
    return text;
}

// What is told, in order, and whether each session is told once.
class Witness final : public VerdictSink {
  public:
    void on_record(const SessionRecord& record) override {
        TCPEEK_ASSERT(record.elapsed >= Duration{});
        TCPEEK_ASSERT(record.synack.value_or(Duration{}) >= Duration{});
        TCPEEK_ASSERT(record.ack.value_or(Duration{}) >= Duration{});
        told.push_back(text_of(record));
        Life& life = lives_[name(record.client, record.server, record.start)];
        const Outcome outcome = outcome_of(record.cause);
        if (record.recovered) {
            TCPEEK_ASSERT(outcome == Outcome::success);
            TCPEEK_ASSERT(life.failures > life.recovered++);
        } else {
            ++ended;
            life.failures += is_failure(outcome) ? 1U : 0U;
        }
        life.successes += outcome == Outcome::success ? 1U : 0U;
    }
    void on_event(const SessionEvent& event) override {
        Life& life = lives_[name(event.client, event.server, event.start)];
        TCPEEK_ASSERT(event.kind != SessionEvent::Kind::unaccepted ||
                      life.unaccepted++ < life.successes);
        TCPEEK_ASSERT(life.successes > 0);
        told.push_back("event " + std::to_string(static_cast<int>(event.kind)) + " " +
                       std::to_string(event.time.ns) + " " + to_string(event.client));
    }
    void on_evicted(MatchId) override {
        ++evicted;
        told.emplace_back("evicted");
    }

    std::vector<std::string> told;
    std::uint64_t ended = 0;  // records of sessions that had none yet
    std::uint64_t evicted = 0;

  private:
    // Of all attempts that one client began with one server at one instant.
    struct Life {
        unsigned failures = 0;
        unsigned recovered = 0;
        unsigned successes = 0;
        unsigned unaccepted = 0;
    };

    static std::string name(const Endpoint& client, const Endpoint& server, Timestamp start) {
        return to_string(client) + " " + to_string(server) + " " + std::to_string(start.ns);
    }

    std::map<std::string, Life> lives_;
};

// How a run takes the packets: `pieces` is a bit for each of eight, before which time passes.
struct Manner {
    std::uint64_t seed = 1;
    std::uint8_t pieces = 0;
};

std::uint64_t sum_of_cells(const TrackerCounters& counters) {
    std::uint64_t sum = 0;
    for (const auto& state : counters.cells) {
        for (std::size_t event = 0; event < kEventCount; ++event) {
            const bool packet = static_cast<Event>(event) != Event::expiry &&
                                static_cast<Event>(event) != Event::capture_end;
            sum += packet ? state[event] : 0;
        }
    }
    return sum;
}

void check_counters(const Tracker& tracker, std::uint64_t packets) {
    const TrackerCounters& counters = tracker.counters();
    // A packet is a copy, of a kind that is not looked at, or in a cell. Of an established
    // connection's it is only counted that it came; a SYN/ACK that was held comes twice.
    const std::uint64_t told_apart =
        counters.duplicate_packets + counters.syn_fin + counters.no_ack + sum_of_cells(counters);
    TCPEEK_ASSERT(told_apart + counters.after_success >= packets);
    TCPEEK_ASSERT(counters.duplicate_packets + counters.syn_fin + counters.no_ack <= packets);
    std::uint64_t pending = 0;
    for (const std::uint32_t count : tracker.pending_counts().of_kind) {
        pending += count;
    }
    TCPEEK_ASSERT(pending == tracker.pending());
    TCPEEK_ASSERT(tracker.pending() <= kMaxSessions);
    TCPEEK_ASSERT(tracker.remembered() <= 2 * kMaxSessions);
}

std::vector<std::string> run(const std::vector<Move>& moves, const Manner& manner) {
    EveryAttempt classifier;
    Witness witness;
    Tracker tracker({.timeout = kTimeout, .max_sessions = kMaxSessions, .seed = manner.seed},
                    classifier, witness);
    // No packet from here on is earlier than this.
    std::vector<Timestamp> earliest(moves.size() + 1, Timestamp{INT64_MAX});
    for (std::size_t i = moves.size(); i-- > 0;) {
        earliest[i] = std::min(earliest[i + 1], moves[i].time);
    }
    for (std::size_t i = 0; i < moves.size(); ++i) {
        const Move& move = moves[i];
        if ((manner.pieces >> i % 8U & 1U) != 0) {
            tracker.advance(earliest[i]);
        }
        if (move.is_icmp) {
            tracker.on_icmp(move.icmp, move.time);
        } else {
            tracker.on_segment(move.segment, move.time, InterfaceId::none());
        }
        check_counters(tracker, i + 1);
    }
    tracker.finish();
    TCPEEK_ASSERT(tracker.pending() == 0 && tracker.remembered() == 0);
    TCPEEK_ASSERT(witness.ended + witness.evicted == classifier.attempts);
    TCPEEK_ASSERT(tracker.counters().evicted == witness.evicted);
    return witness.told;
}

}  // namespace
}  // namespace tcpeek

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace tcpeek;
    if (size < 1 || size > 1'500) {
        return 0;
    }
    const std::vector<Move> moves = moves_from({data + 1, size - 1});
    const std::vector<std::string> told = run(moves, {});
    TCPEEK_ASSERT(told == run(moves, {.seed = 99, .pieces = data[0]}));
    return 0;
}
