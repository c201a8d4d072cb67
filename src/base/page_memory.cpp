#include "base/page_memory.h"

#include <sys/mman.h>

#include <new>
#include <utility>

namespace tcpeek {
namespace {

// Of one huge page on the processors that Linux runs on most.
constexpr std::size_t kHugePage = std::size_t{2} * 1024 * 1024;

}  // namespace

PageMemory::PageMemory(std::size_t octets, std::size_t usable) : octets_(octets) {
    data_ = ::mmap(nullptr, octets, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data_ == MAP_FAILED) {
        throw std::bad_alloc();
    }
    if (::mprotect(data_, usable, PROT_READ | PROT_WRITE) != 0) {
        static_cast<void>(::munmap(data_, octets_));
        throw std::bad_alloc();
    }
    if (octets > kHugePage) {
        // Only advice, so its result does not matter.
        static_cast<void>(::madvise(static_cast<std::byte*>(data_) + kHugePage, octets - kHugePage,
                                    MADV_HUGEPAGE));
    }
}

void PageMemory::extend(std::size_t usable) {
    if (::mprotect(data_, usable, PROT_READ | PROT_WRITE) != 0) {
        throw std::bad_alloc();
    }
}

PageMemory::PageMemory(PageMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), octets_(std::exchange(other.octets_, 0)) {}

PageMemory& PageMemory::operator=(PageMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(octets_, other.octets_);
    return *this;
}

PageMemory::~PageMemory() {
    if (data_ != nullptr) {
        static_cast<void>(::munmap(data_, octets_));
    }
}

}  // namespace tcpeek
