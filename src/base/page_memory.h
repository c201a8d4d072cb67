// Memory straight from the kernel, a page at a time as it is first touched: for tables that may
// become large and mostly do not.
#pragma once

#include <cstddef>

namespace tcpeek {

// Zeroed octets; what is not touched costs only address space. Beyond its first 2 MiB the kernel is
// asked for huge pages, which spares a table of a hundred megabytes thousands of page faults.
class PageMemory {
  public:
    // `usable` of the `octets` may be touched, more after `extend`: where the system promises no
    // more memory than it has (vm.overcommit_memory), only those count. Throws std::bad_alloc when
    // the system has no more.
    PageMemory(std::size_t octets, std::size_t usable);
    explicit PageMemory(std::size_t octets) : PageMemory(octets, octets) {}
    PageMemory(PageMemory&& other) noexcept;
    PageMemory& operator=(PageMemory&& other) noexcept;
    PageMemory(const PageMemory&) = delete;
    PageMemory& operator=(const PageMemory&) = delete;
    ~PageMemory();

    // Aligned for every type.
    [[nodiscard]] void* data() const { return data_; }

    // From now on the first `usable` octets, at most all, may be touched. Throws std::bad_alloc.
    void extend(std::size_t usable);

  private:
    void* data_ = nullptr;
    std::size_t octets_ = 0;
};

}  // namespace tcpeek
