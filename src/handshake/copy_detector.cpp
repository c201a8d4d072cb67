#include "handshake/copy_detector.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>
#include <cstring>

namespace tcpeek {
namespace {

// Collects fields one after another; a fixed layout so that equal packets give equal bytes.
class FieldBuffer {
  public:
    void add(const Endpoint& endpoint) {
        std::memcpy(bytes_.data() + size_, endpoint.address.octets().data(), 16);
        size_ += 16;
        add(endpoint.port);
    }
    void add(std::uint32_t value) {
        std::memcpy(bytes_.data() + size_, &value, sizeof value);
        size_ += sizeof value;
    }
    [[nodiscard]] std::uint64_t hash(std::uint64_t seed) const {
        return XXH3_64bits_withSeed(bytes_.data(), size_, seed);
    }

  private:
    std::array<std::uint8_t, 80> bytes_;
    std::size_t size_ = 0;
};

}  // namespace

std::uint64_t CopyDetector::fingerprint(const Segment& segment) const {
    FieldBuffer fields;
    fields.add(segment.source);
    fields.add(segment.destination);
    fields.add(segment.seq.value);
    fields.add(segment.ack.value);
    fields.add(segment.payload_length);
    fields.add(segment.has_timestamps ? segment.timestamps.value : 0);
    fields.add((segment.has_timestamps ? 1U << 31U : 0U) |
               static_cast<std::uint32_t>(segment.flags.bits) << 16U |
               (segment.has_ip_id ? segment.ip_id : 0U));
    return fields.hash(seed_);
}

std::uint64_t CopyDetector::fingerprint(const IcmpError& error) const {
    FieldBuffer fields;
    fields.add(error.quoted_source);
    fields.add(error.quoted_destination);
    fields.add(error.quoted_seq.value);
    fields.add(Endpoint{error.reporter, static_cast<std::uint16_t>(error.type << 8U | error.code)});
    return fields.hash(seed_ + 1);
}

bool CopyDetector::is_copy(std::uint64_t fingerprint, Timestamp now) {
    while (!seen_.empty() && now - seen_.front().at > kWindow) {
        forget_oldest();
    }
    if (first_seen_.contains(fingerprint)) {
        return true;
    }
    if (seen_.full()) {
        forget_oldest();
    }
    seen_.push_back({fingerprint, now});
    first_seen_.emplace(fingerprint, now);
    return false;
}

bool CopyDetector::was_shown(std::uint64_t fingerprint, Timestamp now) const {
    const auto found = first_seen_.find(fingerprint);
    return found != first_seen_.end() && now - found->second <= kWindow;
}

void CopyDetector::forget_oldest() {
    first_seen_.erase(seen_.front().fingerprint);
    seen_.pop_front();
}

}  // namespace tcpeek
