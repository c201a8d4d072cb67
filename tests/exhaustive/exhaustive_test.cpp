// Sequences of packets and pauses through the tracker and through the naive machine: both must say
// the same. All sequences of a small alphabet up to a length, or random ones of a larger alphabet.
// Usage: exhaustive_test LENGTH, or exhaustive_test random COUNT SEED [LENGTH]
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <optional>
#include <random>
#include <string_view>

#include "exhaustive/naive_machine.h"
#include "handshake/tracker.h"

namespace tcpeek::exhaustive {
namespace {

constexpr Duration kTimeout = Duration::seconds(60);
constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kRst = 0x04;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint32_t kNearIsn = 1'000;
constexpr std::uint32_t kOtherIsn = 500'000'000;
constexpr std::uint32_t kFarIsn = 2'000'000'000;

struct Letter {
    const char* words;
    bool icmp = false;
    bool from_near = true;
    std::uint8_t flags = 0;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint32_t payload = 0;
    Duration pause;  // before the packet; a letter without flags and ICMP is a pause only
};

constexpr Duration kStep = Duration::milliseconds(3);  // beyond what copies of a capture take
constexpr Duration kAtOnce = Duration::milliseconds(1);

constexpr Letter kAlphabet[] = {
    {"SYN", false, true, kSyn, kNearIsn, 0, 0, kStep},
    {"SYN with another ISN", false, true, kSyn, kOtherIsn, 0, 0, kStep},
    {"SYN/ACK", false, false, kSyn | kAck, kFarIsn, kNearIsn + 1, 0, kStep},
    {"SYN/ACK to another ISN", false, false, kSyn | kAck, kFarIsn, kOtherIsn + 1, 0, kStep},
    {"ACK", false, true, kAck, kNearIsn + 1, kFarIsn + 1, 0, kStep},
    {"ACK of something else", false, true, kAck, kNearIsn + 1, kFarIsn + 900'000'000, 0, kStep},
    {"data of the client", false, true, kAck, kNearIsn + 1, kFarIsn + 1, 100, kStep},
    {"data of the server", false, false, kAck, kFarIsn + 1, kNearIsn + 1, 100, kStep},
    {"RST of the client", false, true, kRst, kNearIsn + 1, 0, 0, kStep},
    {"RST/ACK of the server", false, false, kRst | kAck, 0, kNearIsn + 1, 0, kStep},
    {"RST of the server after its SYN/ACK", false, false, kRst, kFarIsn + 1, 0, 0, kStep},
    {"RST with wrong numbers", false, false, kRst | kAck, 7, 77, 0, kStep},
    {"SYN of the server", false, false, kSyn, kFarIsn, 0, 0, kStep},
    {"FIN of the client", false, true, kFin | kAck, kNearIsn + 1, kFarIsn + 1, 0, kStep},
    {"ICMP error", true, true, 0, kNearIsn, 0, 0, kStep},
    {"ICMP error of another ISN", true, true, 0, 12'345, 0, 0, kStep},
    {"pause of 1 s", false, true, 0, 0, 0, 0, Duration::seconds(1)},
    {"pause of 61 s", false, true, 0, 0, 0, 0, Duration::seconds(61)},
    // From here on for random sequences only.
    {"SYN at once", false, true, kSyn, kNearIsn, 0, 0, kAtOnce},
    {"SYN/ACK at once", false, false, kSyn | kAck, kFarIsn, kNearIsn + 1, 0, kAtOnce},
    {"ACK at once", false, true, kAck, kNearIsn + 1, kFarIsn + 1, 0, kAtOnce},
    {"SYN with data", false, true, kSyn, kNearIsn, 0, 100, kStep},
    {"SYN/ACK of the SYN's data", false, false, kSyn | kAck, kFarIsn, kNearIsn + 101, 0, kStep},
    {"SYN/ACK with a second ISN", false, false, kSyn | kAck, kFarIsn + 70'000, kNearIsn + 1, 0,
     kStep},
    {"ACK of the second SYN/ACK", false, true, kAck, kNearIsn + 1, kFarIsn + 70'001, 0, kStep},
    {"SYN/ACK with an ISN in the first one's window", false, false, kSyn | kAck, kFarIsn + 500,
     kNearIsn + 1, 0, kStep},
    {"ACK in the windows of both", false, true, kAck, kNearIsn + 200, kFarIsn + 600, 0, kStep},
    {"bare ACK of the server", false, false, kAck, kFarIsn + 1, kNearIsn + 1, 0, kStep},
    {"ACK of the server beyond its SYN/ACK", false, false, kAck, kFarIsn + 1, kNearIsn + 501, 0,
     kStep},
    {"challenge ACK", false, false, kAck, kOtherIsn, 900, 0, kStep},
    {"ACK of the other attempt", false, true, kAck, kOtherIsn + 1, kFarIsn + 1, 0, kStep},
    {"SYN/ACK of the client", false, true, kSyn | kAck, kNearIsn, kFarIsn + 1, 0, kStep},
    {"ICMP error that quotes the SYN/ACK", true, false, 0, kFarIsn, 0, 0, kStep},
    {"SYN and FIN", false, true, kSyn | kFin, kNearIsn, 0, 0, kStep},
    {"SYN/ACK one beyond the SYN", false, false, kSyn | kAck, kFarIsn, kNearIsn + 2, 0, kStep},
    {"SYN/ACK of half the data", false, false, kSyn | kAck, kFarIsn, kNearIsn + 51, 0, kStep},
    {"SYN/ACK one beyond the data", false, false, kSyn | kAck, kFarIsn, kNearIsn + 102, 0, kStep},
    {"RST/ACK one beyond the data", false, false, kRst | kAck, 0, kNearIsn + 102, 0, kStep},
    {"RST of the client in its data", false, true, kRst, kNearIsn + 51, 0, 0, kStep},
    {"RST of the client behind its data", false, true, kRst, kNearIsn + 101, 0, 0, kStep},
    {"RST of the client beyond its data", false, true, kRst, kNearIsn + 102, 0, 0, kStep},
    {"ACK at the end of the windows", false, true, kAck, kNearIsn + 65'536, kFarIsn + 65'536, 0,
     kStep},
    {"ACK beyond its own window", false, true, kAck, kNearIsn + 65'537, kFarIsn + 1, 0, kStep},
    {"ACK beyond the server's window", false, true, kAck, kNearIsn + 1, kFarIsn + 65'537, 0, kStep},
    {"data at the end of the windows", false, false, kAck, kFarIsn + 65'536, kNearIsn + 65'536, 10,
     kStep},
    {"data beyond their own window", false, false, kAck, kFarIsn + 65'537, kNearIsn + 1, 10, kStep},
    {"data beyond the client's window", false, false, kAck, kFarIsn + 1, kNearIsn + 65'537, 10,
     kStep},
    {"pause of 59.5 s", false, true, 0, 0, 0, 0, Duration::milliseconds(59'500)},
    {"pause of 200 s", false, true, 0, 0, 0, 0, Duration::seconds(200)},
};
constexpr std::size_t kSmallAlphabet = 18;

// What random sequences do to a packet besides: another pause before it, also backwards, and
// timestamps that name each other or not.
constexpr Duration kPauses[] = {
    {},
    Duration::milliseconds(1),
    Duration::milliseconds(2),
    Duration::nanoseconds(2'000'001),
    Duration::nanoseconds(9'999'999),
    Duration::milliseconds(10),
    Duration::milliseconds(197),
    Duration::milliseconds(-1),
    Duration::milliseconds(-700),
    Duration::seconds(-20),
};
constexpr std::uint32_t kTimestampValues = 3;

struct Step {
    std::size_t letter = 0;
    Duration pause;
    std::optional<TcpTimestamps> timestamps;
};
using Word = std::vector<Step>;

const Endpoint kNear{*IpAddress::parse("192.0.2.1"), 40'000};
const Endpoint kFar{*IpAddress::parse("192.0.2.2"), 80};

class Listener final : public Classifier, public VerdictSink {
  public:
    std::optional<MatchId> classify(const Endpoint&, const Endpoint&) override { return MatchId{}; }
    void on_record(const SessionRecord& record) override {
        told.push_back({.event = {},
                        .client_is_near = record.client == kNear,
                        .start = record.start,
                        .elapsed = record.elapsed,
                        .cause = record.cause,
                        .dup_syn = record.dup_syn,
                        .dup_synack = record.dup_synack,
                        .history = record.history.to_string(),
                        .recovered = record.recovered,
                        .icmp = record.icmp.has_value(),
                        .synack = record.synack,
                        .ack = record.ack,
                        .last_packet = record.last_packet});
    }
    void on_event(const SessionEvent& event) override {
        Line line;
        line.event = event.kind;
        line.client_is_near = event.client == kNear;
        line.start = event.start;
        line.elapsed = event.time - event.start;
        told.push_back(line);
    }
    void on_evicted(MatchId) override { TCPEEK_ASSERT(false); }

    std::vector<Line> told;
};

template <typename OnSegment, typename OnIcmp, typename OnOther>
void play(const Word& word, Timestamp now, OnSegment on_segment, OnIcmp on_icmp, OnOther on_other) {
    for (const Step& step : word) {
        const Letter& letter = kAlphabet[step.letter];
        now = now + step.pause;
        const Endpoint& source = letter.from_near ? kNear : kFar;
        const Endpoint& destination = letter.from_near ? kFar : kNear;
        if (letter.icmp) {
            IcmpError error;
            error.reporter = *IpAddress::parse("192.0.2.254");
            error.destination = source.address;
            error.type = 3;
            error.code = 13;
            error.quoted_source = source;
            error.quoted_destination = destination;
            error.quoted_seq = {letter.seq};
            on_icmp(error, now);
        } else if (letter.flags != 0) {
            Segment segment;
            segment.source = source;
            segment.destination = destination;
            segment.flags = {letter.flags};
            segment.seq = {letter.seq};
            segment.ack = {letter.ack};
            segment.payload_length = letter.payload;
            segment.has_timestamps = step.timestamps.has_value();
            segment.timestamps = step.timestamps.value_or(TcpTimestamps{});
            on_segment(segment, now);
        } else {
            on_other(now);
        }
    }
}

std::string describe(const Line& line) {
    const auto nanoseconds = [](const std::optional<Duration>& duration) {
        return duration ? fmt::format("{}", duration->ns) : std::string("-");
    };
    return fmt::format(
        "{} {} of {} start {} elapsed {} dup {}/{} history {} recovered {} icmp {} "
        "synack {} ack {} last {}",
        line.event ? "event" : "record",
        line.event ? fmt::format("{}", static_cast<int>(*line.event))
                   : std::string(to_string(line.cause)),
        line.client_is_near ? "near" : "far", line.start.ns % 1'000'000'000'000, line.elapsed.ns,
        line.dup_syn, line.dup_synack, line.history, line.recovered, line.icmp,
        nanoseconds(line.synack), nanoseconds(line.ack), nanoseconds(line.last_packet));
}

Step plain_step(std::size_t letter) {
    return {.letter = letter, .pause = kAlphabet[letter].pause, .timestamps = {}};
}

// The same of the tracker, which counts from its start on.
Ignored ignored_of(const TrackerCounters& all) {
    constexpr auto kOfRsts = static_cast<std::size_t>(UnfitKind::rst);
    constexpr auto kOfAcks = static_cast<std::size_t>(UnfitKind::ack);
    return {.unfit_rsts = all.unfit[kOfRsts],
            .unfit_acks = all.unfit[kOfAcks],
            .useless = all.useless,
            .mid_stream = all.mid_stream,
            .syn_fin = all.syn_fin,
            .no_ack = all.no_ack,
            .icmp_unmatched = all.icmp_unmatched,
            .orphan_synacks = all.orphan_synacks,
            .after_success = all.after_success,
            .syn_after_success = all.syn_after_success,
            .after_unjudged = all.after_unjudged,
            .after_failure = all.after_failure,
            .duplicates = all.duplicate_packets};
}

std::string describe(const Ignored& ignored) {
    return fmt::format(
        "ignored: unfit {} {} useless {} mid {} syn_fin {} no_ack {} icmp {} orphans {} "
        "after {} {} {} {} duplicates {}",
        ignored.unfit_rsts, ignored.unfit_acks, ignored.useless, ignored.mid_stream,
        ignored.syn_fin, ignored.no_ack, ignored.icmp_unmatched, ignored.orphan_synacks,
        ignored.after_success, ignored.syn_after_success, ignored.after_unjudged,
        ignored.after_failure, ignored.duplicates);
}

// One tracker for many sequences, since making one costs more than a sequence: each begins long
// after the one before, and `finish` forgets. Not for all, since there is a last time.
class Comparison {
  public:
    bool agree(const Word& word, bool explain);

  private:
    static constexpr Timestamp kFirstStart{1'700'000'000'000'000'000};
    static constexpr Duration kApart = Duration::seconds(10'000);
    static constexpr Timestamp kLastStart = kFirstStart + kApart * 100'000;

    static TrackerConfig config() {
        TrackerConfig config;
        config.timeout = kTimeout;
        config.max_sessions = 64;
        return config;
    }

    Listener listener_;
    std::optional<Tracker> tracker_;
    Timestamp start_ = kLastStart;
    Ignored before_;
};

bool Comparison::agree(const Word& word, bool explain) {
    start_ = start_ + kApart;
    if (start_ > kLastStart) {
        start_ = kFirstStart;
        tracker_.emplace(config(), listener_, listener_);
        before_ = {};
    }
    listener_.told.clear();
    play(
        word, start_,
        [&](const Segment& s, Timestamp t) { tracker_->on_segment(s, t, InterfaceId::none()); },
        [&](const IcmpError& e, Timestamp t) { tracker_->on_icmp(e, t); },
        [&](Timestamp t) { tracker_->on_other(t); });
    tracker_->finish();
    NaiveMachine naive(kTimeout, kNear);
    play(
        word, start_, [&](const Segment& s, Timestamp t) { naive.on_segment(s, t); },
        [&](const IcmpError& e, Timestamp t) { naive.on_icmp(e, t); },
        [&](Timestamp t) { naive.on_other(t); });
    naive.finish();
    const Ignored after = ignored_of(tracker_->counters());
    const Ignored ignored = after - before_;
    before_ = after;
    if (listener_.told == naive.told() && ignored == naive.ignored()) {
        return true;
    }
    if (explain) {
        fmt::print("disagreement:\n");
        for (const Step& step : word) {
            fmt::print("  {:+.6f} {}", static_cast<double>(step.pause.ns) / 1e9,
                       kAlphabet[step.letter].words);
            if (step.timestamps) {
                fmt::print(" tsval {} tsecr {}", step.timestamps->value, step.timestamps->echo);
            }
            fmt::print("\n");
        }
        for (const Line& line : listener_.told) {
            fmt::print("  tracker: {}\n", describe(line));
        }
        for (const Line& line : naive.told()) {
            fmt::print("  naive:   {}\n", describe(line));
        }
        fmt::print("  tracker: {}\n  naive:   {}\n", describe(ignored), describe(naive.ignored()));
    }
    return false;
}

int run(std::size_t longest) {
    constexpr std::size_t kShown = 5;
    Comparison comparison;
    std::size_t played = 0;
    std::size_t different = 0;
    // Shorter ones first: the first disagreement is a smallest one.
    for (std::size_t length = 1; length <= longest && different == 0; ++length) {
        Word word(length, plain_step(0));
        bool more = true;
        while (more) {
            ++played;
            different += comparison.agree(word, different < kShown) ? 0U : 1U;
            std::size_t place = 0;
            while (place < length && word[place].letter + 1 == kSmallAlphabet) {
                word[place++] = plain_step(0);
            }
            more = place < length;
            if (more) {
                word[place] = plain_step(word[place].letter + 1);
            }
        }
    }
    fmt::print("{} sequences of up to {} packets and pauses, {} different\n", played, longest,
               different);
    return different == 0 ? 0 : 1;
}

Word random_word(std::mt19937_64& random, std::size_t longest) {
    Word word(2 + random() % (longest - 1));
    // Half of the words are plain, a quarter has odd times, a quarter timestamps.
    const std::uint64_t kind = random() % 4;
    for (Step& step : word) {
        step = plain_step(random() % std::size(kAlphabet));
    }
    // Most begin as connections do, else most would be over before they are one.
    if (random() % 4 > 0) {
        word[0] = plain_step(0);
    }
    if (random() % 2 > 0) {
        word[1] = plain_step(2);
    }
    for (Step& step : word) {
        if (kind == 2 && random() % 2 > 0) {
            step.pause = kPauses[random() % std::size(kPauses)];
        }
        if (kind == 3 && random() % 8 > 0) {
            step.timestamps = {static_cast<std::uint32_t>(random() % kTimestampValues),
                               static_cast<std::uint32_t>(random() % kTimestampValues)};
        }
    }
    return word;
}

int run_random(std::size_t count, std::uint64_t seed, std::size_t longest) {
    constexpr std::size_t kShown = 5;
    std::mt19937_64 random(seed);
    Comparison comparison;
    std::size_t different = 0;
    for (std::size_t played = 0; played < count; ++played) {
        different += comparison.agree(random_word(random, longest), different < kShown) ? 0U : 1U;
    }
    fmt::print("{} random sequences of up to {} packets and pauses, seed {}, {} different\n", count,
               longest, seed, different);
    return different == 0 ? 0 : 1;
}

std::optional<std::uint64_t> number(const char* text) {
    std::uint64_t value = 0;
    const char* end = text + std::strlen(text);
    const auto [stopped, error] = std::from_chars(text, end, value);
    return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

}  // namespace
}  // namespace tcpeek::exhaustive

int main(int argc, char** argv) {
    using namespace tcpeek::exhaustive;
    constexpr std::uint64_t kLongest = 14;
    const bool random = (argc == 4 || argc == 5) && std::string_view(argv[1]) == "random";
    const auto first = argc == 2 ? number(argv[1]) : random ? number(argv[2]) : std::nullopt;
    const auto seed = random ? number(argv[3]) : std::optional<std::uint64_t>(0);
    const auto longest = argc == 5 ? number(argv[4]) : std::optional(kLongest);
    if (!first || *first == 0 || !seed || !longest || *longest < 2) {
        fmt::print(stderr,
                   "usage: exhaustive_test LENGTH | exhaustive_test random COUNT SEED [LENGTH]\n");
        return 2;
    }
    return random ? run_random(*first, *seed, *longest) : run(*first);
}
