// Objects in chunks of fixed size, named by index (from 1 on): growth never moves one, and touches
// new memory a page at a time, so that no packet waits for a copy of the whole.
#pragma once

#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <vector>

#include "base/assert.h"
#include "base/page_memory.h"

namespace tcpeek {

template <typename T>
class Slab {
    // Released objects hold the index of the next one in their first octets.
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= sizeof(std::uint32_t));

  public:
    using Index = std::uint32_t;

    // A default-constructed object; valid until it is released.
    Index allocate() {
        Index index = first_free_;
        if (index != 0) {
            std::memcpy(&first_free_, place(index), sizeof first_free_);
        } else {
            if (used_ == chunks_.size() * kChunk) {
                chunks_.emplace_back(kChunk * sizeof(T));
                starts_.push_back(static_cast<T*>(chunks_.back().data()));
            }
            index = ++used_;
        }
        new (place(index)) T{};
        return index;
    }
    void release(Index index) {
        std::memcpy(place(index), &first_free_, sizeof first_free_);
        first_free_ = index;
    }

    [[gnu::always_inline]] T& operator[](Index index) {
        return starts_.data()[(index - 1) / kChunk][(index - 1) % kChunk];
    }
    [[gnu::always_inline]] const T& operator[](Index index) const {
        return starts_.data()[(index - 1) / kChunk][(index - 1) % kChunk];
    }

  private:
    // Of many megabytes, so that nearly all of it may lie in huge pages; they are only address
    // space until they are used.
    static constexpr Index kChunk = 1U << 18U;

    [[nodiscard]] void* place(Index index) { return &(*this)[index]; }

    std::vector<PageMemory> chunks_;
    std::vector<T*> starts_;  // of the chunks
    Index first_free_ = 0;
    Index used_ = 0;
};

}  // namespace tcpeek
