// A copy in pieces shows one instant, whatever is counted between the pieces.
#include "stats/counter_copy.h"

#include <gtest/gtest.h>

#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "stats/ledger.h"
#include "stats/snapshot.h"

namespace tcpeek {
namespace {

constexpr std::int64_t kLongest = 500'000'000'000;

std::vector<FilterIndex> all_of(std::size_t filters) {
    std::vector<FilterIndex> all(filters);
    std::iota(all.begin(), all.end(), FilterIndex{0});
    return all;
}

SessionRecord success(std::int64_t elapsed, std::optional<std::int64_t> synack,
                      std::optional<std::int64_t> ack) {
    SessionRecord record;
    record.cause = Cause::established;
    record.elapsed = Duration{elapsed};
    if (synack) {
        record.synack = Duration{*synack};
    }
    if (ack) {
        record.ack = Duration{*ack};
    }
    return record;
}

// Every group of every histogram in use.
void fill(Ledger& ledger) {
    const std::vector<FilterIndex> all = all_of(ledger.filters().size());
    for (std::int64_t ns = 1; ns < kLongest; ns *= 2) {
        ledger.count(success(ns, ns, ns), all);
    }
}

void expect_same(const LatencyHistogram& a, const LatencyHistogram& b, const std::string& which) {
    EXPECT_EQ(a.count(), b.count()) << which;
    EXPECT_EQ(a.sum(), b.sum()) << which;
    EXPECT_EQ(a.max(), b.max()) << which;
    EXPECT_EQ(a.buckets(), b.buckets()) << which;
    // Each rank of a value: together they say what each part of the fine scale holds.
    for (std::uint64_t rank = 1; rank <= a.count(); ++rank) {
        const double share = static_cast<double>(rank) / static_cast<double>(a.count());
        ASSERT_EQ(a.percentile(share), b.percentile(share)) << which << ", rank " << rank;
    }
}

void expect_same(const std::vector<FilterCounters>& a, const std::vector<FilterCounters>& b) {
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
        const std::string which = "filter " + std::to_string(i);
        EXPECT_EQ(a[i].sessions, b[i].sessions) << which;
        EXPECT_EQ(a[i].unreach, b[i].unreach) << which;
        EXPECT_EQ(a[i].unaccepted, b[i].unaccepted) << which;
        EXPECT_EQ(a[i].evicted, b[i].evicted) << which;
        expect_same(a[i].elapsed, b[i].elapsed, which + ", elapsed");
        expect_same(a[i].synack, b[i].synack, which + ", synack");
        expect_same(a[i].ack, b[i].ack, which + ", ack");
    }
}

// Counts something of everything, into some of the filters.
class Traffic {
  public:
    explicit Traffic(std::size_t filters) : filters_(filters) {}

    void count_one(Ledger& ledger) {
        std::vector<FilterIndex> chosen;
        for (FilterIndex i = 0; i < filters_; ++i) {
            if (draw(3) == 0) {
                chosen.push_back(i);
            }
        }
        switch (draw(6)) {
            case 0:
                ledger.count(SessionEvent{}, chosen);  // unaccepted
                break;
            case 1:
                ledger.count_evicted(chosen);
                break;
            case 2: {
                SessionRecord unreachable;
                unreachable.cause = Cause::icmp_error;
                unreachable.icmp.emplace();
                ledger.count(unreachable, chosen);
                break;
            }
            default:
                ledger.count(success(latency(), maybe_latency(), maybe_latency()), chosen);
        }
    }

  private:
    std::uint64_t draw(std::uint64_t below) { return random_() % below; }
    std::int64_t latency() { return static_cast<std::int64_t>(draw(std::uint64_t{1} << draw(40))); }
    std::optional<std::int64_t> maybe_latency() {
        return draw(2) == 0 ? std::nullopt : std::optional(latency());
    }

    std::size_t filters_;
    std::mt19937_64 random_{7};
};

TEST(CounterCopy, ShowsTheInstantOfItsBeginWhateverIsCountedBetweenThePieces) {
    constexpr std::size_t kFilters = 40;
    Ledger ledger(kFilters);
    Traffic traffic(kFilters);
    std::vector<FilterCounters> copied;
    for (int round = 0; round < 8; ++round) {
        for (int i = 0; i < 20 << round % 4; ++i) {
            traffic.count_one(ledger);
        }
        const std::vector<FilterCounters> then = ledger.filters();
        ledger.begin_copy(copied);
        traffic.count_one(ledger);
        while (!ledger.continue_copy()) {
            for (int i = 0; i < 10; ++i) {
                traffic.count_one(ledger);
            }
        }
        traffic.count_one(ledger);
        expect_same(copied, then);
    }
}

TEST(CounterCopy, ValuesOfPartsThatWereNotInUseDoNotShow) {
    Ledger ledger(1);
    const std::vector<FilterIndex> all = all_of(1);
    Snapshot snapshot;
    snapshot.filters.resize(1);
    snapshot.make_room();
    ledger.count(success(1'000'000, 1'000'000, std::nullopt), all);
    ledger.begin_copy(snapshot.filters);
    ledger.count(success(3'000'000'000, 5, 5), all);
    ledger.count(success(1'000'000, std::nullopt, std::nullopt), all);
    EXPECT_TRUE(ledger.continue_copy());
    EXPECT_EQ(snapshot.filters[0].elapsed.count(), 1U);
    EXPECT_NEAR(static_cast<double>(snapshot.filters[0].elapsed.percentile(1.0)->ns), 1e6, 2e4);
    EXPECT_EQ(snapshot.filters[0].ack.percentile(1.0), std::nullopt);
}

// The bound on how long a piece holds who counts, in what it copies.
TEST(CounterCopy, IsMadeInPiecesOfAFewFilters) {
    constexpr std::size_t kFilters = 200;
    Ledger ledger(kFilters);
    fill(ledger);
    Snapshot snapshot;
    snapshot.filters.resize(kFilters);
    snapshot.make_room();
    const std::vector<FilterCounters>& copied = snapshot.filters;
    const auto lowest = [](const FilterCounters& filter) { return filter.ack.percentile(0.01); };
    ledger.begin_copy(snapshot.filters);
    std::vector<std::size_t> complete_after{0};
    bool over = false;
    while (!over) {
        over = ledger.continue_copy();
        std::size_t complete = 0;
        while (complete < kFilters &&
               lowest(copied[complete]) == lowest(ledger.filters()[complete])) {
            ++complete;
        }
        ASSERT_GT(complete, complete_after.back()) << "each piece gets on";
        ASSERT_LE(complete - complete_after.back(), 6U) << "22 KB a filter, 128 KB a piece";
        complete_after.push_back(complete);
    }
    EXPECT_EQ(complete_after.back(), kFilters);
    expect_same(copied, ledger.filters());
}

TEST(CounterCopy, AReloadFinishesItFirst) {
    Ledger ledger(30);
    fill(ledger);
    const std::vector<FilterCounters> then = ledger.filters();
    std::vector<std::string> before;
    for (int i = 0; i < 30; ++i) {
        before.push_back(std::to_string(i));
    }
    std::vector<FilterCounters> copied;
    ledger.begin_copy(copied);
    ledger.rearrange(before, {"new", "29", "3"});
    const std::vector<FilterIndex> all = all_of(3);
    ledger.count(success(5, 5, 5), all);
    EXPECT_TRUE(ledger.continue_copy());
    expect_same(copied, then);
    // The next has the new filters, in the memory of the old ones.
    const std::vector<FilterCounters> now = ledger.filters();
    ledger.begin_copy(copied);
    ledger.count(success(5, 5, 5), all);
    while (!ledger.continue_copy()) {
    }
    expect_same(copied, now);
}

TEST(CounterCopy, OfNoFiltersIsOverAtOnce) {
    Ledger ledger(0);
    std::vector<FilterCounters> copied(3);
    ledger.begin_copy(copied);
    EXPECT_TRUE(ledger.continue_copy());
    EXPECT_TRUE(copied.empty());
}

}  // namespace
}  // namespace tcpeek
