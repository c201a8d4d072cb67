// Objects in chunks of fixed size, named by index (from 1 on): growth never moves one, and takes
// one chunk at a time, so that no packet waits for a copy of the whole.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/assert.h"

namespace tcpeek {

template <typename T>
class Slab {
  public:
    using Index = std::uint32_t;

    // A default-constructed object; valid until it is released.
    Index allocate() {
        if (!free_.empty()) {
            const Index index = free_.back();
            free_.pop_back();
            (*this)[index] = T{};
            return index;
        }
        if (used_ == chunks_.size() * kChunk) {
            chunks_.push_back(std::make_unique<std::array<T, kChunk>>());
        }
        return ++used_;
    }
    void release(Index index) { free_.push_back(index); }

    [[gnu::always_inline]] T& operator[](Index index) {
        return chunks_.data()[(index - 1) / kChunk].get()->data()[(index - 1) % kChunk];
    }
    [[gnu::always_inline]] const T& operator[](Index index) const {
        return chunks_.data()[(index - 1) / kChunk].get()->data()[(index - 1) % kChunk];
    }

    // Objects in use.
    [[nodiscard]] std::size_t size() const { return used_ - free_.size(); }

  private:
    static constexpr Index kChunk = 1'024;

    std::vector<std::unique_ptr<std::array<T, kChunk>>> chunks_;
    std::vector<Index> free_;
    Index used_ = 0;
};

}  // namespace tcpeek
