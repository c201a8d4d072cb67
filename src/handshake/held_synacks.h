// SYN/ACKs that fit no attempt, held for a moment since their SYN may come out of capture order.
#pragma once

#include <boost/circular_buffer.hpp>
#include <cstdint>
#include <functional>

#include "base/timestamp.h"
#include "dissect/dissected.h"
#include "dissect/frame.h"

namespace tcpeek {

struct HeldSynack {
    Segment segment;
    Timestamp packet_time;
    Timestamp at;       // tracker time of the packet
    Timestamp held_at;  // tracker's now when it was held; never goes back
    std::uint64_t key_hash = 0;
    InterfaceId interface;
};

class HeldSynacks {
  public:
    // Capture reorders within milliseconds (interrupt queues, merged taps).
    static constexpr Duration kHold = Duration::milliseconds(10);
    // During a backscatter flood only the youngest are held; the oldest goes first.
    static constexpr std::size_t kCapacity = 1'024;

    HeldSynacks() : held_(kCapacity) {}

    // Returns how many were dropped to make room (0 or 1).
    std::size_t hold(const HeldSynack& synack);
    // Drops those held for kHold or longer; returns how many.
    std::size_t expire(Timestamp now);
    // Takes out, oldest first, those of the pair that acknowledge [isn+1, isn+1+data_length] and
    // gives each to `take`.
    void release(const Segment& syn, std::uint64_t key_hash,
                 const std::function<void(const HeldSynack&)>& take);

    [[nodiscard]] std::size_t size() const { return held_.size(); }
    // When the oldest was held; there must be one.
    [[nodiscard]] Timestamp oldest() const { return held_.front().held_at; }
    void clear() { held_.clear(); }

  private:
    boost::circular_buffer<HeldSynack> held_;  // ordered by held_at
};

}  // namespace tcpeek
