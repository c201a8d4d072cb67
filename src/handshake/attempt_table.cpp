#include "handshake/attempt_table.h"

namespace tcpeek {
namespace {

std::unique_ptr<std::array<AttemptIndex, 1'024>> empty_segment() {
    auto segment = std::make_unique<std::array<AttemptIndex, 1'024>>();
    segment->fill(kNoIndex);
    return segment;
}

}  // namespace

AttemptTable::AttemptTable() {
    buckets_.push_back(empty_segment());
}

std::uint32_t AttemptTable::bucket_of(std::uint32_t hash) const {
    const std::uint32_t number = hash & (round_buckets_ - 1);
    return number < split_next_ ? hash & (2 * round_buckets_ - 1) : number;
}

AttemptIndex AttemptTable::insert(const ConnectionKey& key, std::uint32_t hash) {
    if (attempts_.size() >= round_buckets_ + split_next_ && round_buckets_ < (1U << 30U)) {
        split_one_bucket();
    }
    const AttemptIndex index = attempts_.allocate();
    Attempt& attempt = attempts_[index];
    attempt.key = key;
    attempt.key_hash = hash;
    AttemptIndex& head = bucket(bucket_of(hash));
    attempt.hash_next = head;
    head = index;
    return index;
}

void AttemptTable::erase(AttemptIndex index) {
    const Attempt& attempt = attempts_[index];
    AttemptIndex* link = &bucket(bucket_of(attempt.key_hash));
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
    return first_match(bucket(bucket_of(hash)), key, hash);
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

void AttemptTable::split_one_bucket() {
    const std::uint32_t old_number = split_next_;
    const std::uint32_t new_number = round_buckets_ + split_next_;
    if (new_number / kSegment == buckets_.size()) {
        buckets_.push_back(empty_segment());
    }
    AttemptIndex from = bucket(old_number);
    AttemptIndex* stay = &bucket(old_number);
    AttemptIndex* move = &bucket(new_number);
    while (from != kNoIndex) {
        Attempt& attempt = attempts_[from];
        AttemptIndex*& tail = (attempt.key_hash & round_buckets_) != 0 ? move : stay;
        *tail = from;
        tail = &attempt.hash_next;
        from = attempt.hash_next;
    }
    *stay = kNoIndex;
    *move = kNoIndex;
    if (++split_next_ == round_buckets_) {
        round_buckets_ *= 2;
        split_next_ = 0;
    }
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

void AttemptTable::append(AttemptList& list, AttemptIndex index) {
    ListLinks& links = attempts_[index].links;
    links = {list.tail_, kNoIndex};
    if (list.tail_ == kNoIndex) {
        list.head_ = index;
    } else {
        attempts_[list.tail_].links.next = index;
    }
    list.tail_ = index;
    ++list.size_;
}

void AttemptTable::remove(AttemptList& list, AttemptIndex index) {
    const ListLinks links = attempts_[index].links;
    (links.previous == kNoIndex ? list.head_ : attempts_[links.previous].links.next) = links.next;
    (links.next == kNoIndex ? list.tail_ : attempts_[links.next].links.previous) = links.previous;
    --list.size_;
}

}  // namespace tcpeek
