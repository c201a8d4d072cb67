// The one flat table of attempts: found by the pair of endpoints, ordered for expiry.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "handshake/attempt.h"
#include "handshake/slab.h"

namespace tcpeek {

// A doubly linked list through the attempts' own links, ordered by `renewed_at`.
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

// Hash chains over a fixed number of buckets, as many as the limit of pending attempts: there is
// never a rehash, and buckets that are not used cost only address space. In a chain newer attempts
// come first.
class AttemptTable {
  public:
    // `expected`: attempts for which chains stay short.
    explicit AttemptTable(std::uint32_t expected);

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

    // Behind all that are as old; of one that came late among very many, `renewed_at` is raised to
    // that of the place where the search for it ends.
    void insert_by_time(AttemptList& list, AttemptIndex index);
    void remove(AttemptList& list, AttemptIndex index);

    // All attempts lie in places 0 to places() - 1, and an attempt never changes its place.
    [[nodiscard]] std::uint64_t places() const { return std::uint64_t{bucket_mask_} + 1; }
    template <typename Visit>
    void visit_place(std::uint32_t place, Visit visit) const {
        for (AttemptIndex index = bucket(place); index != kNoIndex;
             index = attempts_[index].hash_next) {
            visit(attempts_[index]);
        }
    }

    [[nodiscard]] std::size_t size() const { return attempts_.size(); }

  private:
    struct Free {
        void operator()(AttemptIndex* buckets) const { std::free(buckets); }
    };

    [[nodiscard]] AttemptIndex& bucket(std::uint32_t hash) const {
        return buckets_[hash & bucket_mask_];
    }
    [[nodiscard]] AttemptIndex first_match(AttemptIndex from, const ConnectionKey& key,
                                           std::uint32_t hash) const;

    Slab<Attempt> attempts_;
    Slab<AttemptDetails> details_;
    std::uint32_t bucket_mask_;
    std::unique_ptr<AttemptIndex[], Free> buckets_;  // heads of chains
};

}  // namespace tcpeek
