// The one flat table of attempts: found by the pair of endpoints, ordered for expiry.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "handshake/attempt.h"
#include "handshake/slab.h"

namespace tcpeek {

// A doubly linked list through the attempts' own links; the caller keeps it ordered by appending.
class AttemptList {
  public:
    [[nodiscard]] AttemptIndex front() const { return head_; }
    [[nodiscard]] std::uint32_t size() const { return size_; }

  private:
    friend class AttemptTable;

    AttemptIndex head_ = kNoIndex;
    AttemptIndex tail_ = kNoIndex;
    std::uint32_t size_ = 0;
};

// Hash chains over buckets that grow by linear hashing (Litwin 1980): an insert splits at most one
// bucket, so there is never a rehash of everything. In a chain newer attempts come first.
class AttemptTable {
  public:
    AttemptTable();

    // A new attempt under `key`, in no list yet. `hash` is the key's under the table's seed.
    AttemptIndex insert(const ConnectionKey& key, std::uint32_t hash);
    // Takes it out of its chain and gives it and its details back. It must be in no list.
    void erase(AttemptIndex index);

    // The newest attempt of the pair, then `next_same` for older ones.
    [[nodiscard]] AttemptIndex find(const ConnectionKey& key, std::uint32_t hash) const;
    [[nodiscard]] AttemptIndex next_same(AttemptIndex index) const;

    Attempt& operator[](AttemptIndex index) { return attempts_[index]; }
    const Attempt& operator[](AttemptIndex index) const { return attempts_[index]; }

    // The rarely needed part, made on first use.
    AttemptDetails& details(Attempt& attempt);
    // Null when there is none.
    [[nodiscard]] const AttemptDetails* find_details(const Attempt& attempt) const;

    void append(AttemptList& list, AttemptIndex index);
    void remove(AttemptList& list, AttemptIndex index);

    [[nodiscard]] std::size_t size() const { return attempts_.size(); }

  private:
    static constexpr std::uint32_t kSegment = 1'024;  // buckets that are made at once

    using BucketSegment = std::array<AttemptIndex, kSegment>;

    [[nodiscard]] std::uint32_t bucket_of(std::uint32_t hash) const;
    AttemptIndex& bucket(std::uint32_t number) {
        return (*buckets_[number / kSegment])[number % kSegment];
    }
    [[nodiscard]] AttemptIndex bucket(std::uint32_t number) const {
        return (*buckets_[number / kSegment])[number % kSegment];
    }
    [[nodiscard]] AttemptIndex first_match(AttemptIndex from, const ConnectionKey& key,
                                           std::uint32_t hash) const;
    void split_one_bucket();

    Slab<Attempt> attempts_;
    Slab<AttemptDetails> details_;
    std::vector<std::unique_ptr<BucketSegment>> buckets_;
    std::uint32_t round_buckets_ = kSegment;  // buckets at the start of this round of splits
    std::uint32_t split_next_ = 0;            // the bucket that is split next
};

}  // namespace tcpeek
