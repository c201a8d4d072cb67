// How long a snapshot holds the capture thread: the copy of every filter's counters, with every
// part of every latency histogram in use, into a snapshot that was filled before, or made ready for
// its first copy.
#include <benchmark/benchmark.h>

#include <numeric>
#include <vector>

#include "stats/ledger.h"
#include "stats/snapshot.h"

namespace {

// Latencies over the whole scale, and an ICMP error, so that nothing is left unallocated.
tcpeek::Ledger full_ledger(std::size_t filter_count) {
    tcpeek::Ledger ledger(filter_count);
    std::vector<tcpeek::FilterIndex> all(filter_count);
    std::iota(all.begin(), all.end(), tcpeek::FilterIndex{0});
    constexpr std::int64_t kLongest = 500'000'000'000;
    for (std::int64_t ns = 1; ns < kLongest; ns *= 2) {
        tcpeek::SessionRecord record;
        record.cause = tcpeek::Cause::established;
        record.elapsed = tcpeek::Duration{ns};
        record.synack = record.elapsed;
        record.ack = record.elapsed;
        ledger.count(record, all);
    }
    tcpeek::SessionRecord unreachable;
    unreachable.cause = tcpeek::Cause::icmp_error;
    unreachable.icmp.emplace();
    ledger.count(unreachable, all);
    return ledger;
}

void copy_of_filters(benchmark::State& state) {
    const tcpeek::Ledger ledger = full_ledger(static_cast<std::size_t>(state.range(0)));
    tcpeek::Snapshot snapshot;
    snapshot.filters = ledger.filters();
    for (auto _ : state) {
        snapshot.filters = ledger.filters();
        benchmark::DoNotOptimize(snapshot.filters.data());
    }
}
BENCHMARK(copy_of_filters)->Arg(2)->Arg(20)->Arg(200)->Unit(benchmark::kMicrosecond);

void first_copy_of_filters(benchmark::State& state) {
    const tcpeek::Ledger ledger = full_ledger(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state) {
        state.PauseTiming();
        tcpeek::Snapshot snapshot;
        snapshot.filters.resize(ledger.filters().size());
        snapshot.make_room();
        state.ResumeTiming();
        snapshot.filters = ledger.filters();
        benchmark::DoNotOptimize(snapshot.filters.data());
        state.PauseTiming();
        snapshot = {};
        state.ResumeTiming();
    }
}
BENCHMARK(first_copy_of_filters)->Arg(200)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
