// Upkeep of the filter's table: what nobody has use for goes, what found no room is entered again.
#include <algorithm>
#include <iterator>
#include <vector>

#include "capture/kernel/filter_key.h"
#include "capture/kernel/programs.h"

namespace tcpeek {
namespace {

// Upkeep is done in pieces of this many connections, so that packets wait for a millisecond or two
// where all of them go, and for a fraction of one where they stay.
constexpr std::uint32_t kPiece = 512;
// Most places of the table of attempts are empty.
constexpr std::uint32_t kPlaces = 8'192;
// A SYN that entered its connection so long ago has reached user space, or was lost.
constexpr Duration kSurelyHandled = Duration::seconds(10);
// Nothing can be swept sooner, and a look through a table of 1,048,576 that is empty takes the
// kernel most of a millisecond.
constexpr Duration kSweepEvery = kSurelyHandled;
// Between two pieces of a sweep. Where the connections are in use there is nothing to be gained: a
// full table is looked through in four minutes, for a few thousandths of a processor.
constexpr Duration kNextPieceAfter = Duration::milliseconds(100);
// Where a part of a piece was of no use, as after a flood of which packets were lost: a full table
// is looked through in less than a minute.
constexpr Duration kNextPieceSoonAfter = Duration::milliseconds(10);
constexpr std::uint32_t kManySwept = kPiece / 8;
// How long a refilling of the table that did not succeed is not tried again.
constexpr Duration kRefillEvery = Duration::seconds(1);

}  // namespace

void KernelFilter::Programs::tend(const AttemptDirectory& attempts, Timestamp handled_until) {
    forget_unknown(handled_until);
    const std::uint64_t failed = read(control().failed_inserts);
    if (failed != failed_seen_) {
        degradations_ += failed_seen_ == control().resolved ? 1U : 0U;
        failed_seen_ = failed;
    }
    if (failed != control().resolved) {
        refill(attempts, handled_until);
    }
    remove_later_ones(attempts);
    const Duration now = boot_clock_now();
    const Duration pause = !sweep_token_       ? kSweepEvery
                           : sweep_finds_much_ ? kNextPieceSoonAfter
                                               : kNextPieceAfter;
    if (now - last_sweep_ >= pause) {
        last_sweep_ = now;
        const std::uint64_t swept_before = swept_;
        sweep(attempts);
        sweep_finds_much_ = sweep_token_ && swept_ - swept_before >= kManySwept;
    }
}

// What was not understood is handled now: a SYN among it has been entered.
void KernelFilter::Programs::forget_unknown(Timestamp handled_until) {
    __u64 unknown_at = read(control().unknown_at);
    if (unknown_at != 0 &&
        Timestamp{static_cast<std::int64_t>(unknown_at)} + wall_clock_offset() < handled_until) {
        // A later one stays.
        std::atomic_ref(control().unknown_at).compare_exchange_strong(unknown_at, 0);
    }
}

void KernelFilter::Programs::remove_later_ones(const AttemptDirectory& attempts) {
    const std::uint64_t now = later_.empty() ? 0 : boot_nanoseconds();
    for (; !later_.empty() && later_.front().due <= now; later_.pop_front()) {
        const Later& one = later_.front();
        if (attempts.has_attempt(key_of(one.key))) {
            continue;
        }
        const bool removed = take_out(one.key, [&](const tcpeek_connection& found) {
            return found.isn != one.isn || may_be_on_its_way(found, now);
        });
        removed_ += removed ? 1U : 0U;
    }
}

// Looks at one piece of the table, and at the next one in the next call.
void KernelFilter::Programs::sweep(const AttemptDirectory& attempts) {
    std::vector<tcpeek_key> keys(kPiece);
    std::vector<tcpeek_connection> found(kPiece);
    std::uint32_t count = kPiece;
    std::uint32_t next = 0;
    const int error = bpf_map_lookup_batch(connections(), sweep_token_ ? &*sweep_token_ : nullptr,
                                           &next, keys.data(), found.data(), &count, nullptr);
    // At the table's end it says ENOENT, with the last of it.
    if (error != 0 && error != -ENOENT) {
        sweep_token_.reset();
        return;
    }
    sweep_token_ = error == 0 ? std::optional(next) : std::nullopt;
    const std::uint64_t now = boot_nanoseconds();
    const auto age = static_cast<std::uint64_t>(kSurelyHandled.ns);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t stamp = found[i].stamp;
        if (stamp + age > now || attempts.has_attempt(key_of(keys[i]))) {
            continue;
        }
        const bool removed = take_out(
            keys[i], [stamp](const tcpeek_connection& taken) { return taken.stamp != stamp; });
        swept_ += removed ? 1U : 0U;
    }
}

// A SYN that found no room may have an attempt now, of which nobody knows which it is: once all
// packets up to here are handled, every attempt is entered, and then none is missing.
void KernelFilter::Programs::refill(const AttemptDirectory& attempts, Timestamp handled_until) {
    if (!refill_) {
        if (boot_clock_now() < next_refill_ || attempts.attempts() > capacity_) {
            return;
        }
        refill_ = Refill{read(control().failed_inserts), wall_clock_now(), 0, false};
    }
    if (!refill_->begun && handled_until < refill_->since) {
        return;
    }
    refill_->begun = true;
    const std::uint64_t made_good = refill_->failed_inserts;
    if (!put_in_all(attempts)) {
        return;
    }
    if (refill_) {
        write(control().resolved, made_good);
    }
    refill_.reset();
    next_refill_ = boot_clock_now() + kRefillEvery;
}

// Whether it is over, be it that there was no room (then `refill_` is empty).
bool KernelFilter::Programs::put_in_all(const AttemptDirectory& attempts) {
    bool room = true;
    const bool more = attempts.visit_attempts(refill_->cursor, kPlaces,
                                              [&](const ConnectionKey& key, SeqNumber isn) {
                                                  room = enter(kernel_key(key), isn.value);
                                                  return room;
                                              });
    if (!room) {
        refill_.reset();
    }
    return !room || !more;
}

bool KernelFilter::Programs::slots_are_exact() const {
    std::vector<std::uint64_t> counted(TCPEEK_SLOTS);
    tcpeek_key key{};
    for (tcpeek_key* before = nullptr; bpf_map_get_next_key(connections(), before, &key) == 0;
         before = &key) {
        ++counted[tcpeek_slot_of(&key)];
    }
    return std::equal(counted.begin(), counted.end(), std::begin(skeleton_->bss->slots),
                      [](std::uint64_t count, std::uint64_t slot) {
                          return count == (slot & (TCPEEK_SLOT_COUNT | TCPEEK_SLOT_ENTERING));
                      });
}

}  // namespace tcpeek
