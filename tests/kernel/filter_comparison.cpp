// Runs every packet of capture files, and of random sequences, through the filter in the kernel,
// and through two trackers: one sees all packets, the other those that the filter lets through.
// Both must tell the same, to the last field. Packets do not travel: the kernel runs the filter's
// programs on their octets. Usage: filter_comparison ENTRIES SEQUENCES SEED [FILE_OR_FOLDER]...
#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "capture/attempt_directory.h"
#include "capture/boot_clock.h"
#include "capture/capture_file.h"
#include "capture/kernel_filter.h"
#include "capture/packet_ring.h"
#include "dissect/dissect.h"
#include "handshake/tracker.h"
#include "output/json.h"
#include "random_packets.h"

namespace tcpeek {
namespace {

constexpr int kSkipped = 77;
constexpr std::uint32_t kRingOctets = 1U << 20U;
constexpr std::uint32_t kSnapshot = 384;
// The kernel takes a page at most, less what it adds.
constexpr std::size_t kMostOctets = 2'048;
constexpr std::size_t kEthernetHeader = 14;
constexpr Duration kNewerSyn = Duration::milliseconds(500);
constexpr Duration kLongestLag = Duration::milliseconds(100);

class EveryFilter final : public Classifier {
  public:
    std::optional<MatchId> classify(const Endpoint&, const Endpoint&) override { return MatchId{}; }
};

// A tracker, and what it told, a line each.
class Listener final : public VerdictSink, public AttemptDirectory {
  public:
    // `filter`: told of pairs that are over; may be nullptr.
    Listener(const TrackerConfig& config, KernelFilter* filter)
        : filter_(filter), tracker_(config, classifier_, *this) {}

    void take(const Dissected& dissected, Timestamp time) {
        if (const auto* segment = std::get_if<Segment>(&dissected)) {
            tracker_.on_segment(*segment, time, InterfaceId::none());
        } else if (const auto* error = std::get_if<IcmpError>(&dissected)) {
            tracker_.on_icmp(*error, time);
        } else {
            tracker_.on_other(time);
        }
    }
    // Whether the filter has seen a SYN within the last 500 ms.
    void note_newer_syn(bool seen) { newer_syn_ = seen; }
    void pass(Timestamp time) { tracker_.on_other(time); }
    // Everything that is remembered is forgotten, too, so that no connection stays in the filter.
    void end(Timestamp last) {
        newer_syn_ = false;
        tracker_.advance(last + Duration::seconds(10'000));
    }
    [[nodiscard]] const std::vector<std::string>& told() const { return told_; }

    [[nodiscard]] bool has_attempt(const ConnectionKey& key) const override {
        return tracker_.has_open_attempt(key);
    }
    [[nodiscard]] std::size_t attempts() const override { return tracker_.open_attempts(); }
    bool visit_attempts(std::uint32_t& cursor, std::size_t limit,
                        const Visitor& visit) const override {
        cursor = tracker_.visit_open_attempts(cursor, static_cast<std::uint32_t>(limit), visit);
        return cursor != 0;
    }

  private:
    void on_record(const SessionRecord& record) override {
        told_.push_back(render_json(record, {names_}, {}, ""));
    }
    void on_event(const SessionEvent& event) override {
        told_.push_back(render_json(event, {names_}, {}));
    }
    void on_evicted(MatchId) override { told_.emplace_back("evicted\n"); }
    // By the kernel's clock, a failure is forgotten at once after its SYN; only this knows whether
    // another SYN is new.
    void on_settled(const ConnectionKey& key, SeqNumber isn, Settled why) override {
        if (filter_ != nullptr && (why == Settled::judged || !newer_syn_)) {
            filter_->remove(key, isn, KernelFilter::Removal::judged);
        }
    }

    std::vector<std::string> names_;
    std::vector<std::string> told_;
    KernelFilter* filter_;
    bool newer_syn_ = false;
    EveryFilter classifier_;
    Tracker tracker_;
};

// The filter's programs for packets of Ethernet, run on octets.
class Gate {
  public:
    Gate(KernelFilter& filter, PacketRing& ring) : filter_(filter), ring_(ring) {}

    // Nothing where the frame's link type is not one that the programs know, or the frame is too
    // short for the kernel.
    std::optional<bool> lets_through(const Frame& frame) {
        if (frame.link_type.number != 1 || frame.bytes.size() <= kEthernetHeader) {
            return std::nullopt;
        }
        // A cut frame had its whole length when it passed the kernel.
        octets_.assign(frame.bytes.begin(), frame.bytes.end());
        octets_.resize(std::min<std::size_t>(
            std::max<std::size_t>(frame.original_length, octets_.size()), kMostOctets));
        LIBBPF_OPTS(bpf_test_run_opts, run);
        run.data_in = octets_.data();
        run.data_size_in = static_cast<std::uint32_t>(octets_.size());
        run.repeat = 1;
        const int program = filter_.hook_program(PacketSide::ingress, PacketStart::ethernet);
        if (bpf_prog_test_run_opts(program, &run) != 0) {
            return std::nullopt;
        }
        entered_ = false;
        return ring_.read(2, Duration{}, [this](std::span<const PacketRing::Packet> packets) {
            entered_ = packets.back().entered;
        }) > 0;
    }

    // Whether the last frame was a SYN that the programs entered.
    [[nodiscard]] bool entered() const { return entered_; }

  private:
    KernelFilter& filter_;
    PacketRing& ring_;
    std::vector<std::uint8_t> octets_;
    bool entered_ = false;
};

struct Totals {
    std::size_t files = 0;
    std::size_t different = 0;
    std::uint64_t packets = 0;
    std::uint64_t let_through = 0;
    std::uint64_t not_tried = 0;  // no Ethernet, or too short: let through
    std::uint64_t told = 0;
};

void show_difference(const std::string& path, const Listener& all, const Listener& filtered) {
    fmt::print("{}: the filter changes what is told\n", path);
    const std::size_t count = std::max(all.told().size(), filtered.told().size());
    for (std::size_t i = 0; i < count; ++i) {
        const std::string& one = i < all.told().size() ? all.told()[i] : "nothing\n";
        const std::string& other = i < filtered.told().size() ? filtered.told()[i] : "nothing\n";
        if (one != other) {
            fmt::print("  without: {}  with:    {}", one, other);
            return;
        }
    }
}

// The tracker behind the filter, which may be some packets behind, as user space is.
class Behind {
  public:
    Behind(const TrackerConfig& config, const DissectOptions& options, KernelFilter& filter)
        : options_(options), filter_(filter), listener_(config, &filter) {}

    void add(const Frame& frame, bool passes, bool entered) {
        waiting_.push_back({frame, {frame.bytes.begin(), frame.bytes.end()}, passes, entered});
        last_syn_ = entered ? frame.time : last_syn_;
        listener_.note_newer_syn(frame.time - last_syn_ < kNewerSyn);
    }
    // All but the last `left`.
    void handle(std::size_t left) {
        for (; waiting_.size() > left; waiting_.pop_front()) {
            Waiting& first = waiting_.front();
            first.frame.bytes = Bytes(first.octets.data(), first.octets.size());
            if (!first.passes) {
                listener_.pass(first.frame.time);
                continue;
            }
            dissect(first.frame, options_, dissected_);
            listener_.take(dissected_, first.frame.time);
            if (!first.entered) {
                enter_if_missed(dissected_);
            }
        }
    }
    [[nodiscard]] Listener& listener() { return listener_; }

  private:
    struct Waiting {
        Frame frame;
        std::vector<std::uint8_t> octets;
        bool passes = true;
        bool entered = false;
    };

    // What the program does with a SYN that the programs in the kernel did not understand.
    void enter_if_missed(const Dissected& dissected) {
        const auto* segment = std::get_if<Segment>(&dissected);
        if (segment == nullptr || kind_of(segment->flags) != SegmentKind::syn) {
            return;
        }
        const ConnectionKey key = ConnectionKey::of(segment->source, segment->destination);
        if (listener_.has_attempt(key)) {
            filter_.enter(key, segment->seq);
        }
    }

    DissectOptions options_;
    KernelFilter& filter_;
    Listener listener_;
    Dissected dissected_;
    Timestamp last_syn_;
    std::deque<Waiting> waiting_;
};

// `next`: fills a frame, or returns false. `lag`: draws how many packets wait.
template <typename Next, typename Lag>
void compare(const std::string& name, Next next, Lag lag, KernelFilter& filter, Gate& gate,
             Totals& totals) {
    TrackerConfig config;
    config.timeout = Duration::seconds(5);
    config.max_sessions = 4'096;
    DissectOptions options;
    options.icmp = true;
    Listener all(config, nullptr);
    config.tells_settled = true;
    Behind behind(config, options, filter);
    Frame frame;
    Timestamp last;
    Dissected dissected;
    while (next(frame)) {
        // Packets that are behind are so for milliseconds, not for seconds.
        if (frame.time - last > kLongestLag) {
            behind.handle(0);
        }
        const std::optional<bool> passes = gate.lets_through(frame);
        dissect(frame, options, dissected);
        all.take(dissected, frame.time);
        behind.add(frame, passes.value_or(true), gate.entered());
        const std::size_t left = lag();
        behind.handle(left);
        filter.tend(behind.listener(), left == 0 ? wall_clock_now() : Timestamp{});
        last = std::max(last, frame.time);
        ++totals.packets;
        totals.let_through += passes.value_or(true) ? 1U : 0U;
        totals.not_tried += passes ? 0U : 1U;
    }
    behind.handle(0);
    all.end(last);
    behind.listener().end(last);
    ++totals.files;
    totals.told += all.told().size();
    if (all.told() != behind.listener().told()) {
        ++totals.different;
        show_difference(name, all, behind.listener());
    }
}

void compare_file(const std::string& path, KernelFilter& filter, Gate& gate, Totals& totals) {
    InterfaceNames names;
    Result<CaptureFile> file = CaptureFile::open(path, names);
    if (file) {
        compare(
            path, [&](Frame& frame) { return file.value().next(frame); }, [] { return 0U; }, filter,
            gate, totals);
    }
}

// Also with user space behind, by up to seven packets.
void compare_random(std::uint32_t count, std::uint64_t seed, KernelFilter& filter, Gate& gate,
                    Totals& totals) {
    RandomPackets packets(seed);
    std::minstd_rand dice(static_cast<std::uint32_t>(seed) + 1);
    for (std::uint32_t i = 0; i < count; ++i) {
        packets.begin();
        compare(
            fmt::format("random sequence {}", i), [&](Frame& frame) { return packets.next(frame); },
            [&] { return i % 2 == 0 ? 0U : dice() % 8; }, filter, gate, totals);
    }
}

std::vector<std::string> files_in(const std::string& place) {
    std::vector<std::string> files;
    if (!std::filesystem::is_directory(place)) {
        return {place};
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path().string());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

struct Random {
    std::uint32_t count = 0;
    std::uint32_t seed = 0;
};

int run(std::uint32_t entries, Random random, const std::vector<std::string>& places) {
    KernelFilterOptions options;
    options.icmp = true;
    options.judges_all = true;
    options.snapshot_length = kSnapshot;
    options.connections = entries;
    options.ring_octets = kRingOctets;
    const Result<std::unique_ptr<KernelFilter>> filter = KernelFilter::load(options);
    if (!filter) {
        fmt::print("SKIP: {}\n", filter.error().message);
        return kSkipped;
    }
    const Result<std::unique_ptr<PacketRing>> ring = PacketRing::open(*filter.value());
    if (!ring) {
        fmt::print("SKIP: {}\n", ring.error().message);
        return kSkipped;
    }
    Gate gate(*filter.value(), *ring.value());
    Totals totals;
    for (const std::string& place : places) {
        for (const std::string& path : files_in(place)) {
            compare_file(path, *filter.value(), gate, totals);
        }
    }
    compare_random(random.count, random.seed, *filter.value(), gate, totals);
    const KernelFilterStatistics statistics = filter.value()->statistics();
    fmt::print(
        "{} files, {} packets, {} let through ({} not tried), {} records and events, {} entries, "
        "{} degradations, {} files different\n",
        totals.files, totals.packets, totals.let_through, totals.not_tried, totals.told, entries,
        statistics.degradations, totals.different);
    if (!filter.value()->slots_are_exact()) {
        fmt::print("the slots do not count what the table holds\n");
        return 1;
    }
    return totals.different == 0 && totals.told > 0 ? 0 : 1;
}

}  // namespace
}  // namespace tcpeek

int main(int argc, char** argv) {
    std::array<std::uint32_t, 3> numbers{};
    bool good = argc > 3;
    for (std::size_t i = 0; good && i < numbers.size(); ++i) {
        const std::string_view text = argv[i + 1];
        good =
            std::from_chars(text.data(), text.data() + text.size(), numbers[i]).ec == std::errc();
    }
    if (!good || numbers[0] == 0) {
        fmt::print(stderr, "usage: filter_comparison ENTRIES SEQUENCES SEED [FILE_OR_FOLDER]...\n");
        return 2;
    }
    return tcpeek::run(numbers[0], {numbers[1], numbers[2]}, {argv + 4, argv + argc});
}
