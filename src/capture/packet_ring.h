// The ring through which the programs at an interface's hooks hand packets over.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/result.h"
#include "base/timestamp.h"
#include "capture/kernel_filter.h"
#include "dissect/frame.h"

namespace tcpeek {

// Belongs to one thread.
class PacketRing {
  public:
    // `filter` must outlive it.
    static Result<std::unique_ptr<PacketRing>> open(KernelFilter& filter);
    ~PacketRing();
    PacketRing(const PacketRing&) = delete;
    PacketRing& operator=(const PacketRing&) = delete;

    // Readable when the programs say so: see KernelFilter::arm.
    [[nodiscard]] int descriptor() const;

    // A packet in the ring. `frame` has no interface yet; `interface_index` is the kernel's.
    struct Packet {
        Frame frame;
        unsigned interface_index = 0;
        bool entered = false;  // a SYN whose connection the filter entered, or had no room for
    };
    // Several at a time, so that what they need can be fetched from memory while others are looked
    // at. Their octets are valid during the call.
    static constexpr std::size_t kBatch = 32;
    using Visitor = std::function<void(std::span<const Packet> packets)>;
    // Hands over waiting packets, at most `limit`, with a tag that the kernel kept apart put back.
    // `wall_offset` is how far the wall clock lies ahead of the boot clock.
    std::size_t read(std::size_t limit, Duration wall_offset, const Visitor& visit);

  private:
    class Consumer;
    explicit PacketRing(std::unique_ptr<Consumer> consumer);

    std::unique_ptr<Consumer> consumer_;
};

}  // namespace tcpeek
