// Objects in one range of memory, named by index (from 1 on): growth never moves one, and touches
// new memory a page at a time, so that no packet waits for a copy of the whole.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>

#include "base/assert.h"
#include "base/page_memory.h"

namespace tcpeek {

template <typename T>
class Slab {
    // Released objects hold the index of the next one in their first octets.
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) >= sizeof(std::uint32_t));

  public:
    using Index = std::uint32_t;

    // For at most `capacity` objects at a time; until they are used they are only address space.
    explicit Slab(Index capacity)
        : capacity_(capacity),
          usable_(std::min(capacity, kStep)),
          memory_(octets(capacity), octets(usable_)),
          objects_(static_cast<T*>(memory_.data())) {}

    // A default-constructed object; valid until it is released.
    Index allocate() {
        Index index = first_free_;
        if (index != 0) {
            std::memcpy(&first_free_, place(index), sizeof first_free_);
        } else {
            if (used_ == usable_) {
                extend();
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

    [[gnu::always_inline]] T& operator[](Index index) { return objects_[index]; }
    [[gnu::always_inline]] const T& operator[](Index index) const { return objects_[index]; }

  private:
    // Objects that become usable at a time: of many megabytes, so that it is seldom.
    static constexpr Index kStep = 1U << 18U;

    // The place of index 0 stays unused.
    static std::size_t octets(Index count) { return (std::size_t{count} + 1) * sizeof(T); }
    [[nodiscard]] void* place(Index index) { return objects_ + index; }

    void extend() {
        TCPEEK_ASSERT(used_ < capacity_);
        usable_ += std::min(kStep, capacity_ - usable_);
        memory_.extend(octets(usable_));
    }

    Index capacity_;
    Index usable_;
    PageMemory memory_;
    T* objects_;
    Index first_free_ = 0;
    Index used_ = 0;
};

}  // namespace tcpeek
