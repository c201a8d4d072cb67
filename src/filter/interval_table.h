// For each point of an ordered range, the set of filter parts that want it, as a row of bits.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tcpeek {

// A row of bits, one a filter part, in as many words as the table was built for.
using PartBits = const std::uint64_t*;

template <typename Key>
struct KeyInterval {
    Key first;
    Key last;  // included
    std::size_t part = 0;
};

// Built once: the intervals cut the range into pieces, each with its own row; a lookup is a binary
// search, whatever the number of parts. `Successor` gives the key after a key, which exists for all
// but the largest.
template <typename Key>
class IntervalTable {
  public:
    template <typename Successor>
    IntervalTable(Key lowest, Key highest, const std::vector<KeyInterval<Key>>& intervals,
                  std::size_t words, Successor successor)
        : words_(words) {
        starts_.push_back(lowest);
        for (const KeyInterval<Key>& interval : intervals) {
            starts_.push_back(interval.first);
            if (interval.last != highest) {
                starts_.push_back(successor(interval.last));
            }
        }
        std::sort(starts_.begin(), starts_.end());
        starts_.erase(std::unique(starts_.begin(), starts_.end()), starts_.end());
        rows_.resize(starts_.size() * words_);
        for (const KeyInterval<Key>& interval : intervals) {
            auto piece = std::lower_bound(starts_.begin(), starts_.end(), interval.first);
            for (; piece != starts_.end() && *piece <= interval.last; ++piece) {
                const auto row = static_cast<std::size_t>(piece - starts_.begin()) * words_;
                rows_[row + interval.part / 64] |= std::uint64_t{1} << interval.part % 64;
            }
        }
    }

    [[nodiscard]] PartBits find(const Key& key) const {
        // Without a branch on what is found, which no processor could foresee.
        std::size_t piece = 0;
        const Key* const starts = starts_.data();
        for (std::size_t left = starts_.size(); left > 1;) {
            const std::size_t half = left / 2;
            piece += key < starts[piece + half] ? 0 : half;
            left -= half;
        }
        return rows_.data() + piece * words_;
    }

  private:
    std::size_t words_;
    std::vector<Key> starts_;          // sorted; the first is the lowest key
    std::vector<std::uint64_t> rows_;  // `words_` words a piece
};

}  // namespace tcpeek
