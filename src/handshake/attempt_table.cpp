#include "handshake/attempt_table.h"

#include <algorithm>
#include <bit>

namespace tcpeek {
namespace {

constexpr std::uint32_t kMostBuckets = 1U << 28U;
// A packet that comes late finds its place in time among this many; more would let a capture whose
// order is wrong on purpose cost time.
constexpr int kMostPassed = 1'024;

}  // namespace

AttemptTable::AttemptTable(std::uint32_t expected)
    : bucket_mask_(std::bit_ceil(std::min(expected, kMostBuckets)) - 1),
      // calloc, since the kernel gives zeroed pages only when they are touched: kNoIndex is 0.
      buckets_(static_cast<AttemptIndex*>(
          std::calloc(std::size_t{bucket_mask_} + 1, sizeof(AttemptIndex)))) {
    TCPEEK_ASSERT(buckets_ != nullptr);
}

AttemptIndex AttemptTable::insert(const ConnectionKey& key, std::uint32_t hash) {
    const AttemptIndex index = attempts_.allocate();
    Attempt& attempt = attempts_[index];
    attempt.key = key;
    attempt.key_hash = hash;
    AttemptIndex& head = bucket(hash);
    attempt.hash_next = head;
    head = index;
    return index;
}

void AttemptTable::erase(AttemptIndex index) {
    const Attempt& attempt = attempts_[index];
    AttemptIndex* link = &bucket(attempt.key_hash);
    while (*link != index) {
        link = &attempts_[*link].hash_next;
    }
    *link = attempt.hash_next;
    if (attempt.details != kNoIndex) {
        details_.release(attempt.details);
    }
    attempts_.release(index);
}

AttemptIndex AttemptTable::find(const ConnectionKey& key, std::uint32_t hash) const {
    return first_match(bucket(hash), key, hash);
}

AttemptIndex AttemptTable::next_same(AttemptIndex index) const {
    const Attempt& attempt = attempts_[index];
    return first_match(attempt.hash_next, attempt.key, attempt.key_hash);
}

AttemptIndex AttemptTable::first_match(AttemptIndex from, const ConnectionKey& key,
                                       std::uint32_t hash) const {
    while (from != kNoIndex) {
        const Attempt& attempt = attempts_[from];
        if (attempt.key_hash == hash && attempt.key == key) {
            break;
        }
        from = attempt.hash_next;
    }
    return from;
}

AttemptDetails& AttemptTable::details(Attempt& attempt) {
    if (attempt.details == kNoIndex) {
        attempt.details = details_.allocate();
    }
    return details_[attempt.details];
}

const AttemptDetails* AttemptTable::find_details(const Attempt& attempt) const {
    return attempt.details == kNoIndex ? nullptr : &details_[attempt.details];
}

void AttemptTable::insert_by_time(AttemptList& list, AttemptIndex index) {
    Attempt& attempt = attempts_[index];
    AttemptIndex before = list.tail_;
    for (int passed = 0; before != kNoIndex && attempts_[before].renewed_at > attempt.renewed_at;
         ++passed) {
        if (passed == kMostPassed) {
            attempt.renewed_at = attempts_[before].renewed_at;
            break;
        }
        before = attempts_[before].links.previous;
    }
    const AttemptIndex after = before == kNoIndex ? list.head_ : attempts_[before].links.next;
    attempt.links = {before, after};
    (before == kNoIndex ? list.head_ : attempts_[before].links.next) = index;
    (after == kNoIndex ? list.tail_ : attempts_[after].links.previous) = index;
    ++list.size_;
}

void AttemptTable::remove(AttemptList& list, AttemptIndex index) {
    const ListLinks links = attempts_[index].links;
    (links.previous == kNoIndex ? list.head_ : attempts_[links.previous].links.next) = links.next;
    (links.next == kNoIndex ? list.tail_ : attempts_[links.next].links.previous) = links.previous;
    --list.size_;
}

}  // namespace tcpeek
