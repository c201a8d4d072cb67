#include "handshake/held_synacks.h"

#include <vector>

namespace tcpeek {

std::size_t HeldSynacks::hold(const HeldSynack& synack) {
    const std::size_t dropped = held_.full() ? 1 : 0;
    held_.push_back(synack);
    return dropped;
}

std::size_t HeldSynacks::expire(Timestamp now) {
    std::size_t dropped = 0;
    while (!held_.empty() && now - held_.front().held_at >= kHold) {
        held_.pop_front();
        ++dropped;
    }
    return dropped;
}

void HeldSynacks::release(const Segment& syn, std::uint64_t key_hash,
                          const std::function<void(const HeldSynack&)>& take) {
    const auto answers = [&](const HeldSynack& held) {
        return held.key_hash == key_hash && held.segment.source == syn.destination &&
               held.segment.destination == syn.source &&
               in_range(held.segment.ack, syn.seq + 1, syn.payload_length);
    };
    std::vector<HeldSynack> taken;
    for (auto held = held_.begin(); held != held_.end();) {
        if (answers(*held)) {
            taken.push_back(*held);
            held = held_.erase(held);
        } else {
            ++held;
        }
    }
    for (const HeldSynack& synack : taken) {
        take(synack);
    }
}

}  // namespace tcpeek
