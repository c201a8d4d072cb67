// The one flat table of attempts: found by the pair of endpoints, ordered for expiry.
#pragma once

#include <array>
#include <cstdint>

#include "base/page_memory.h"
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
// never a rehash, and buckets that are not used cost only address space. In a chain older attempts
// come first: those that wait longest are evicted first, and so stand in front. Chains run through
// an array of their own, and a link has some bits of the hash of the attempt that it leads to: so a
// search passes strangers without a look at them, which would cost a cache miss each. An index
// names an Attempt or, when `is_compact`, a RememberedSuccess.
class AttemptTable {
  public:
    // For at most `limit` pending attempts, remembered successes and remembered failures each.
    // Hashes are keys' under `seed`.
    AttemptTable(std::uint32_t limit, std::uint64_t seed);

    // A new attempt under `key`, in no list yet.
    AttemptIndex insert(const ConnectionKey& key, std::uint64_t hash);
    // Takes it out of its chain and gives it and its details back. It must be in no list.
    void erase(AttemptIndex index);
    // Puts a RememberedSuccess in the place of an attempt that it `holds`, or the reverse; neither
    // is in a list. Returns the new index; the old one is void.
    AttemptIndex compact(AttemptIndex index);
    AttemptIndex expand(AttemptIndex index, const ConnectionKey& key);

    // The newest attempt of the pair, then `next_same` for older ones.
    [[nodiscard]] AttemptIndex find(const ConnectionKey& key, std::uint64_t hash) const {
        return last_match(key, hash, kNoIndex);
    }
    [[nodiscard]] AttemptIndex next_same(AttemptIndex index, const ConnectionKey& key,
                                         std::uint64_t hash) const {
        return last_match(key, hash, index);
    }

    // A quick look, for the traffic of established connections: a RememberedSuccess when it is all
    // that there is of its pair; null when there is something else, or may be.
    [[nodiscard]] const RememberedSuccess* only_success(std::uint64_t hash) const {
        const RememberedSuccess* found = nullptr;
        for (Link from = *bucket(hash); from != kNoIndex; from = next_[from & index_mask_]) {
            if (may_lead_to(from, hash)) {
                const AttemptIndex index = from & index_mask_;
                if (found != nullptr || !is_compact(index) || success(index).pair_hash != hash) {
                    return nullptr;
                }
                found = &success(index);
            }
        }
        return found;
    }

    [[nodiscard]] bool is_compact(AttemptIndex index) const { return index > last_attempt_; }
    // Only of an index that is not compact.
    Attempt& operator[](AttemptIndex index) { return attempts_[index]; }
    const Attempt& operator[](AttemptIndex index) const { return attempts_[index]; }
    // Only of one that is.
    RememberedSuccess& success(AttemptIndex index) { return successes_[index - last_attempt_]; }
    [[nodiscard]] const RememberedSuccess& success(AttemptIndex index) const {
        return successes_[index - last_attempt_];
    }
    // Of either.
    [[nodiscard]] State state(AttemptIndex index) const {
        return is_compact(index) ? State::succeeded : attempts_[index].state;
    }
    [[nodiscard]] Timestamp start(AttemptIndex index) const {
        return is_compact(index) ? success(index).start() : attempts_[index].start.get();
    }
    [[nodiscard]] Timestamp renewed_at(AttemptIndex index) const {
        return (is_compact(index) ? success(index).renewed_at : attempts_[index].renewed_at).get();
    }
    [[nodiscard]] AttemptIndex next_in_list(AttemptIndex index) const {
        return is_compact(index) ? success(index).links.next : attempts_[index].links.next;
    }
    // `key` is that of its pair.
    [[nodiscard]] Attempt copy(AttemptIndex index, const ConnectionKey& key) const {
        return is_compact(index) ? success(index).expanded(key) : attempts_[index];
    }

    // The rarely needed part, made on first use.
    AttemptDetails& details(Attempt& attempt);
    // Null when there is none.
    [[nodiscard]] const AttemptDetails* find_details(const Attempt& attempt) const {
        return attempt.details == kNoIndex ? nullptr : &details_[attempt.details];
    }

    // Notes that an event of a remembered success is told; returns whether it had not been yet.
    bool mark_told(AttemptIndex index, SessionEvent::Kind kind);
    // Sets `renewed_at` to a later time, while it is in no list; the last packet stays.
    void raise(AttemptIndex index, Timestamp renewed_at);

    // Behind all that are as old; of one that came late among very many, `renewed_at` is raised to
    // that of the place where the search for it ends.
    void insert_by_time(AttemptList& list, AttemptIndex index) {
        const AttemptIndex tail = list.tail_;
        if (tail != kNoIndex && renewed_at(tail) > renewed_at(index)) {
            insert_late(list, index);
            return;
        }
        links(index) = {tail, kNoIndex};
        (tail == kNoIndex ? list.head_ : links(tail).next) = index;
        list.tail_ = index;
        ++list.size_;
    }
    void remove(AttemptList& list, AttemptIndex index);

    // All attempts lie in places 0 to places() - 1, and an attempt never changes its place. Those
    // that became a RememberedSuccess are not visited.
    [[nodiscard]] std::uint64_t places() const { return std::uint64_t{bucket_mask_} + 1; }
    template <typename Visit>
    void visit_place(std::uint32_t place, Visit visit) const {
        for (Link link = *bucket(place); link != kNoIndex; link = next_[link & index_mask_]) {
            if (!is_compact(link & index_mask_)) {
                visit(attempts_[link & index_mask_]);
            }
        }
    }

    // Hints that a pair will be looked up soon: first at its bucket, then, when that has had time
    // to arrive, at what it leads to, and then at what that leads to.
    void prefetch_bucket(std::uint64_t hash) const { __builtin_prefetch(bucket(hash)); }
    void prefetch_first(std::uint64_t hash) const { prefetch_link(*bucket(hash), hash); }
    void prefetch_second(std::uint64_t hash) const {
        const Link first = *bucket(hash);
        if (first != kNoIndex && !may_lead_to(first, hash)) {
            prefetch_link(next_[first & index_mask_], hash);
        }
    }
    // Hints that this attempt, which is not compact, will be read soon.
    void prefetch_attempt(AttemptIndex index) const {
        // It lies in two or three cache lines; what a lookup needs first stands in front.
        __builtin_prefetch(&attempts_[index]);
        __builtin_prefetch(&attempts_[index].history);
    }
    // Hints that the first of a list of attempts will be erased next, and then those behind it.
    void prefetch_erasure(const AttemptList& list);

  private:
    // An index, and bits of its pair's hash where the index has none; kNoIndex ends a chain.
    using Link = std::uint32_t;

    [[nodiscard]] Link* bucket(std::uint64_t hash) const {
        return buckets_ + (hash & bucket_mask_);
    }
    [[nodiscard]] Link link(AttemptIndex index, std::uint64_t hash) const {
        return (static_cast<Link>(hash >> 32U) & ~index_mask_) | index;
    }
    // Whether a link may lead to an attempt of a pair with this hash.
    [[nodiscard]] bool may_lead_to(Link link, std::uint64_t hash) const {
        return ((link ^ static_cast<Link>(hash >> 32U)) & ~index_mask_) == 0;
    }
    void prefetch_link(Link link, std::uint64_t hash) const;
    void foresee(AttemptIndex index);
    void insert_late(AttemptList& list, AttemptIndex index);
    Link& link_to(AttemptIndex index, std::uint64_t hash);
    [[nodiscard]] std::uint64_t hash_to_erase(AttemptIndex index);
    ListLinks& links(AttemptIndex index) {
        return is_compact(index) ? success(index).links : attempts_[index].links;
    }
    // The last one of the pair's in its chain before `end`, or of all with kNoIndex.
    [[nodiscard]] AttemptIndex last_match(const ConnectionKey& key, std::uint64_t hash,
                                          AttemptIndex end) const {
        AttemptIndex found = kNoIndex;
        AttemptIndex index = kNoIndex;
        for (Link from = *bucket(hash); (index = from & index_mask_) != end; from = next_[index]) {
            if (may_lead_to(from, hash) && (is_compact(index) ? success(index).pair_hash == hash
                                                              : attempts_[index].key == key)) {
                found = index;
            }
        }
        return found;
    }

    std::uint64_t seed_;
    AttemptIndex last_attempt_;  // larger indexes are of remembered successes
    std::uint32_t index_mask_;
    std::uint32_t bucket_mask_;
    PageMemory links_;
    Link* buckets_;  // heads of chains
    Link* next_;     // by index
    // What will be erased next, as `prefetch_erasure` foresaw it, in this order.
    struct Foreseen {
        AttemptIndex index = kNoIndex;
        std::uint64_t hash = 0;
    };
    static constexpr std::size_t kForesight = 4;
    std::array<Foreseen, kForesight> foreseen_{};
    std::size_t foreseen_count_ = 0;
    Slab<Attempt> attempts_;
    Slab<AttemptDetails> details_;
    Slab<RememberedSuccess> successes_;
};

}  // namespace tcpeek
