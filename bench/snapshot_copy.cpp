// How long a snapshot of the counters holds the capture thread: every filter's, with every part of
// every latency histogram in use, while sessions of all filters go on being counted between the
// pieces. Once with the counters in the caches, and once after other work has pushed them out.
// Usage: bench_snapshot_copy
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <numeric>
#include <string_view>
#include <vector>

#include "stats/ledger.h"
#include "stats/snapshot.h"

namespace tcpeek {
namespace {

constexpr int kSnapshots = 301;
constexpr std::int64_t kLongest = 500'000'000'000;
constexpr double kAim = 100;

using Clock = std::chrono::steady_clock;

double microseconds_since(Clock::time_point begin) {
    return std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
}

SessionRecord success(std::int64_t ns) {
    SessionRecord record;
    record.cause = Cause::established;
    record.elapsed = Duration{ns};
    record.synack = record.elapsed;
    record.ack = record.elapsed;
    return record;
}

// Latencies over the whole scale, and an ICMP error, so that nothing is left unallocated.
void fill(Ledger& ledger, const std::vector<FilterIndex>& all) {
    for (std::int64_t ns = 1; ns < kLongest; ns *= 2) {
        ledger.count(success(ns), all);
    }
    SessionRecord unreachable;
    unreachable.cause = Cause::icmp_error;
    unreachable.icmp.emplace();
    ledger.count(unreachable, all);
}

// Reads more than a second-level cache and the usual share of a third-level one hold.
class OtherWork {
  public:
    void run() { sum_ += std::accumulate(memory_.begin(), memory_.end(), std::uint64_t{0}); }
    [[nodiscard]] std::uint64_t sum() const { return sum_; }

  private:
    std::vector<std::uint64_t> memory_ = std::vector<std::uint64_t>(8U << 20U, 1);
    std::uint64_t sum_ = 0;
};

// Of one snapshot, in microseconds.
struct Holds {
    double begin = 0;
    double longest_piece = 0;
    double longest_count = 0;  // of a session of all filters, while the copy is under way
    double all = 0;            // of the begin and the pieces
    int pieces = 0;
};

Holds take_snapshot(Ledger& ledger, const std::vector<FilterIndex>& all, Snapshot& snapshot) {
    Holds holds;
    Clock::time_point begin = Clock::now();
    ledger.begin_copy(snapshot.filters);
    holds.begin = holds.all = microseconds_since(begin);
    std::int64_t ns = 1;
    for (bool complete = false; !complete;) {
        begin = Clock::now();
        ledger.count(success(ns), all);
        holds.longest_count = std::max(holds.longest_count, microseconds_since(begin));
        ns = ns < kLongest / 4 ? ns * 4 : 1;
        begin = Clock::now();
        complete = ledger.continue_copy();
        const double piece = microseconds_since(begin);
        holds.longest_piece = std::max(holds.longest_piece, piece);
        holds.all += piece;
        ++holds.pieces;
    }
    return holds;
}

void tell(std::string_view what, std::vector<Holds>& snapshots, double Holds::*figure) {
    std::sort(snapshots.begin(), snapshots.end(),
              [figure](const Holds& a, const Holds& b) { return a.*figure < b.*figure; });
    fmt::print("  {:<45} {:6.1f} us ({:.1f} to {:.1f}, 99 of 100 below {:.1f})\n", what,
               snapshots[kSnapshots / 2].*figure, snapshots.front().*figure,
               snapshots.back().*figure, snapshots[kSnapshots * 99 / 100].*figure);
}

void measure(std::size_t filters, OtherWork* between) {
    Ledger ledger(filters);
    std::vector<FilterIndex> all(filters);
    std::iota(all.begin(), all.end(), FilterIndex{0});
    fill(ledger, all);
    Snapshot snapshot;
    snapshot.filters.resize(filters);
    snapshot.make_room();
    std::vector<Holds> snapshots;
    for (int i = 0; i < kSnapshots; ++i) {
        if (between != nullptr) {
            between->run();
        }
        snapshots.push_back(take_snapshot(ledger, all, snapshot));
    }
    fmt::print("snapshot of {} filters in {} pieces, {}; aim: no hold above {:.0f} us\n", filters,
               snapshots.front().pieces, between == nullptr ? "warm caches" : "cold caches", kAim);
    tell("hold at the begin", snapshots, &Holds::begin);
    tell("longest hold by a piece", snapshots, &Holds::longest_piece);
    tell("longest count of a session of all filters", snapshots, &Holds::longest_count);
    tell("all holds together", snapshots, &Holds::all);
}

int run() {
    OtherWork other_work;
    for (const std::size_t filters : {std::size_t{2}, std::size_t{20}, std::size_t{200}}) {
        measure(filters, nullptr);
        measure(filters, &other_work);
    }
    return other_work.sum() > 0 ? 0 : 1;  // the sum is used, so that it is made
}

}  // namespace
}  // namespace tcpeek

int main() {
    return tcpeek::run();
}
