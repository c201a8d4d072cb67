#include "handshake/attempt_table.h"

#include <algorithm>
#include <bit>
#include <memory>

namespace tcpeek {
namespace {

constexpr std::uint32_t kMostBuckets = 1U << 28U;
// So that every index has a number of 32 bits.
constexpr std::uint32_t kMostSessions = 1'000'000'000;
// A packet that comes late finds its place in time among this many; more would let a capture whose
// order is wrong on purpose cost time.
constexpr int kMostPassed = 1'024;

}  // namespace

// One that is about to join a list may be above its limit for a moment.
AttemptTable::AttemptTable(std::uint32_t limit, std::uint64_t seed)
    : seed_(seed),
      last_attempt_(3 * (limit + 1)),
      index_mask_(~Link{0} >> std::countl_zero(last_attempt_ + limit + 2)),
      bucket_mask_(std::bit_ceil(std::min(limit, kMostBuckets)) - 1),
      links_((std::size_t{bucket_mask_} + 1 + last_attempt_ + limit + 2) * sizeof(Link)),
      buckets_(static_cast<Link*>(links_.data())),
      next_(buckets_ + bucket_mask_ + 1),
      attempts_(last_attempt_),
      details_(last_attempt_),
      successes_(limit + 1) {
    TCPEEK_ASSERT(limit <= kMostSessions);
}

AttemptIndex AttemptTable::insert(const ConnectionKey& key, std::uint64_t hash) {
    const AttemptIndex index = attempts_.allocate();
    TCPEEK_ASSERT(index <= last_attempt_);
    attempts_[index].key = key;
    Link* end = bucket(hash);
    while (*end != kNoIndex) {
        end = &next_[*end & index_mask_];
    }
    *end = link(index, hash);
    next_[index] = kNoIndex;
    return index;
}

// Where its chain names it.
AttemptTable::Link& AttemptTable::link_to(AttemptIndex index, std::uint64_t hash) {
    Link* place = bucket(hash);
    while ((*place & index_mask_) != index) {
        place = &next_[*place & index_mask_];
    }
    return *place;
}

// The hash of an attempt that is about to go.
std::uint64_t AttemptTable::hash_to_erase(AttemptIndex index) {
    const auto end = foreseen_.begin() + foreseen_count_;
    const auto found = std::find_if(foreseen_.begin(), end,
                                    [&](const Foreseen& one) { return one.index == index; });
    if (found == end) {
        return attempts_[index].key.hash(seed_);
    }
    const std::uint64_t hash = found->hash;
    std::copy(found + 1, end, found);
    --foreseen_count_;
    return hash;
}

void AttemptTable::erase(AttemptIndex index) {
    if (is_compact(index)) {
        link_to(index, success(index).pair_hash) = next_[index];
        successes_.release(index - last_attempt_);
        return;
    }
    const Attempt& attempt = attempts_[index];
    link_to(index, hash_to_erase(index)) = next_[index];
    if (attempt.details != kNoIndex) {
        details_.release(attempt.details);
    }
    attempts_.release(index);
}

AttemptIndex AttemptTable::compact(AttemptIndex index) {
    const Attempt& attempt = attempts_[index];
    const std::uint64_t hash = hash_to_erase(index);
    const AttemptIndex compacted = successes_.allocate() + last_attempt_;
    std::construct_at(&success(compacted), attempt, hash);
    next_[compacted] = next_[index];
    link_to(index, hash) = link(compacted, hash);
    if (attempt.details != kNoIndex) {
        details_.release(attempt.details);
    }
    attempts_.release(index);
    return compacted;
}

AttemptIndex AttemptTable::expand(AttemptIndex index, const ConnectionKey& key) {
    const std::uint64_t hash = success(index).pair_hash;
    const AttemptIndex expanded = attempts_.allocate();
    TCPEEK_ASSERT(expanded <= last_attempt_);
    attempts_[expanded] = success(index).expanded(key);
    next_[expanded] = next_[index];
    link_to(index, hash) = link(expanded, hash);
    successes_.release(index - last_attempt_);
    return expanded;
}

AttemptDetails& AttemptTable::details(Attempt& attempt) {
    if (attempt.details == kNoIndex) {
        attempt.details = details_.allocate();
    }
    return details_[attempt.details];
}

bool AttemptTable::mark_told(AttemptIndex index, SessionEvent::Kind kind) {
    const auto mark = [kind](auto& one) {
        switch (kind) {
            case SessionEvent::Kind::unaccepted: {
                const bool is_new = !one.told_unaccepted;
                one.told_unaccepted = true;
                return is_new;
            }
            case SessionEvent::Kind::reset_early_by_server: {
                const bool is_new = !one.told_server_reset;
                one.told_server_reset = true;
                return is_new;
            }
            case SessionEvent::Kind::reset_early_by_client: {
                const bool is_new = !one.told_client_reset;
                one.told_client_reset = true;
                return is_new;
            }
        }
        TCPEEK_UNREACHABLE("event kind out of range");
    };
    return is_compact(index) ? mark(success(index)) : mark(attempts_[index]);
}

void AttemptTable::raise(AttemptIndex index, Timestamp renewed_at) {
    if (is_compact(index)) {
        RememberedSuccess& one = success(index);
        one.renewed_after = nanoseconds_between(one.last_packet(), renewed_at);
        one.renewed_at = renewed_at;
    } else {
        attempts_[index].set_times(renewed_at, attempts_[index].last_packet());
    }
}

void AttemptTable::insert_late(AttemptList& list, AttemptIndex index) {
    AttemptIndex before = list.tail_;
    for (int passed = 0; before != kNoIndex && renewed_at(before) > renewed_at(index); ++passed) {
        if (passed == kMostPassed) {
            raise(index, renewed_at(before));
            break;
        }
        before = links(before).previous;
    }
    const AttemptIndex after = before == kNoIndex ? list.head_ : links(before).next;
    links(index) = {before, after};
    (before == kNoIndex ? list.head_ : links(before).next) = index;
    (after == kNoIndex ? list.tail_ : links(after).previous) = index;
    ++list.size_;
}

void AttemptTable::remove(AttemptList& list, AttemptIndex index) {
    const ListLinks between = links(index);
    (between.previous == kNoIndex ? list.head_ : links(between.previous).next) = between.next;
    (between.next == kNoIndex ? list.tail_ : links(between.next).previous) = between.previous;
    --list.size_;
}

void AttemptTable::prefetch_erasure(const AttemptList& list) {
    if (foreseen_count_ > 0 && foreseen_[0].index != list.head_) {
        foreseen_count_ = 0;
    }
    AttemptIndex next = foreseen_count_ == 0
                            ? list.head_
                            : attempts_[foreseen_[foreseen_count_ - 1].index].links.next;
    // One that was foreseen may have gone to another list, and that may lead anywhere.
    const auto is_candidate = [&] { return next != kNoIndex && !is_compact(next); };
    for (; foreseen_count_ < kForesight && is_candidate(); next = attempts_[next].links.next) {
        foresee(next);
    }
    if (is_candidate()) {
        __builtin_prefetch(&attempts_[next]);
        __builtin_prefetch(&attempts_[next].filters);
    }
}

void AttemptTable::foresee(AttemptIndex index) {
    const std::uint64_t hash = attempts_[index].key.hash(seed_);
    __builtin_prefetch(bucket(hash));
    foreseen_[foreseen_count_++] = {index, hash};
}

void AttemptTable::prefetch_link(Link link, std::uint64_t hash) const {
    if (link == kNoIndex) {
        return;
    }
    const AttemptIndex index = link & index_mask_;
    if (!may_lead_to(link, hash)) {
        __builtin_prefetch(&next_[index]);
    } else if (is_compact(index)) {
        __builtin_prefetch(&success(index));
    } else {
        prefetch_attempt(index);
    }
}

}  // namespace tcpeek
