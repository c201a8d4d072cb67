// Fills the filter's table as a flood does of which most SYNs are lost on the way to user space:
// nobody has use for these connections, and no packet will ever take them out. The upkeep must do
// it, soon, in pieces that no packet waits for, and leave alone those that have an attempt.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "capture/kernel_filter.h"

namespace tcpeek {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kSkipped = 77;
constexpr std::uint32_t kLost = 300'000;
constexpr std::uint32_t kKnown = 2'000;
// Half of the default, so that most of the table is in use.
constexpr std::uint32_t kEntries = 1U << 19U;
// Nothing is swept in the first ten seconds. In slow pieces it would take a minute.
constexpr std::chrono::seconds kPatience{40};
// As the capture thread turns, with hurry and without.
constexpr std::chrono::milliseconds kHurry{10};
constexpr std::chrono::milliseconds kTurn{100};
// Of the time that a piece may take; the longest ones are the machine's.
constexpr std::chrono::milliseconds kLongPiece{10};

ConnectionKey nth_connection(std::uint32_t n) {
    const std::array<std::uint8_t, 4> client{10, static_cast<std::uint8_t>(n >> 24U),
                                             static_cast<std::uint8_t>(n >> 16U), 1};
    const std::array<std::uint8_t, 4> server{192, 0, 2, 1};
    return ConnectionKey::of(Endpoint{IpAddress::v4(client), static_cast<std::uint16_t>(n)},
                             Endpoint{IpAddress::v4(server), 443});
}

// Knows the first kKnown connections.
class Known final : public AttemptDirectory {
  public:
    Known() {
        for (std::uint32_t n = 0; n < kKnown; ++n) {
            hashes_.push_back(nth_connection(n).hash(0));
        }
        std::sort(hashes_.begin(), hashes_.end());
    }
    [[nodiscard]] bool has_attempt(const ConnectionKey& key) const override {
        return std::binary_search(hashes_.begin(), hashes_.end(), key.hash(0));
    }
    [[nodiscard]] std::size_t attempts() const override { return kKnown; }
    bool visit_attempts(std::uint32_t& /*cursor*/, std::size_t /*limit*/,
                        const Visitor& /*visit*/) const override {
        return false;
    }

  private:
    std::vector<std::uint64_t> hashes_;
};

bool expect(std::string_view what, std::uint64_t found, std::uint64_t wanted) {
    if (found != wanted) {
        fmt::print("{}: {}, not {}\n", what, found, wanted);
    }
    return found == wanted;
}

// The time of each piece.
std::vector<Clock::duration> tend_until_swept(KernelFilter& filter, const Known& known) {
    std::vector<Clock::duration> pieces;
    const Clock::time_point end = Clock::now() + kPatience;
    while (filter.statistics().swept < kLost && Clock::now() < end) {
        const Clock::time_point begun = Clock::now();
        filter.tend(known, Timestamp{INT64_MAX});
        pieces.push_back(Clock::now() - begun);
        std::this_thread::sleep_for(filter.wants_tending_soon() ? kHurry : kTurn);
    }
    std::sort(pieces.begin(), pieces.end());
    return pieces;
}

int run() {
    KernelFilterOptions options;
    options.judges_all = true;
    options.snapshot_length = 128;
    options.connections = kEntries;
    options.ring_octets = 1U << 16U;
    const Result<std::unique_ptr<KernelFilter>> loaded = KernelFilter::load(options);
    if (!loaded) {
        fmt::print("SKIP: {}\n", loaded.error().message);
        return kSkipped;
    }
    KernelFilter& filter = *loaded.value();
    for (std::uint32_t n = 0; n < kKnown + kLost; ++n) {
        filter.enter(nth_connection(n), SeqNumber{n});
    }
    const Clock::time_point begun = Clock::now();
    const std::vector<Clock::duration> pieces = tend_until_swept(filter, Known());
    const auto took = std::chrono::duration<double>(Clock::now() - begun).count();
    const auto usual = std::chrono::duration<double, std::milli>(pieces[pieces.size() * 9 / 10]);
    const KernelFilterStatistics statistics = filter.statistics();
    fmt::print(
        "{} of {} useless connections swept in {:.1f} s, {} pieces, nine in ten within {:.2f} ms\n",
        statistics.swept, kLost, took, pieces.size(), usual.count());
    bool good = expect("connections swept", statistics.swept, kLost) &&
                expect("inserts that failed", statistics.failed_inserts, 0);
    if (usual > kLongPiece) {
        fmt::print("a tenth of the pieces took longer than {} ms\n", kLongPiece.count());
        good = false;
    }
    if (!filter.slots_are_exact()) {
        fmt::print("the slots do not count what the table holds\n");
        good = false;
    }
    // What is known is still there: taking it out counts.
    for (std::uint32_t n = 0; n < kKnown; ++n) {
        filter.remove(nth_connection(n), SeqNumber{n}, KernelFilter::Removal::judged);
    }
    good = expect("known connections left", filter.statistics().removed, kKnown) && good;
    return good ? 0 : 1;
}

}  // namespace
}  // namespace tcpeek

int main() {
    return tcpeek::run();
}
