#include "handshake/copy_detector.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tcpeek {
namespace {

// Collects fields one after another; a fixed layout so that equal packets give equal bytes.
class FieldBuffer {
  public:
    void add(const IpAddress& address) {
        std::memcpy(bytes_.data() + size_, address.octets().data(), 16);
        size_ += 16;
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

CopyDetector::CopyDetector(std::uint64_t seed)
    : seed_(seed),
      seen_(std::make_unique<Seen[]>(kCapacity)),
      chains_(std::make_unique<std::uint32_t[]>(kChains)) {}

std::uint64_t CopyDetector::fingerprint(const Segment& segment, std::uint64_t pair_hash,
                                        bool source_is_first) const {
    const std::uint32_t ip_id = segment.has_ip_id ? segment.ip_id : 0U;
    const std::uint32_t tsval = segment.has_timestamps ? segment.timestamps.value : 0U;
    const std::array<std::uint64_t, 4> fields{
        pair_hash, std::uint64_t{segment.seq.value} << 32U | segment.ack.value,
        std::uint64_t{segment.payload_length} << 32U | tsval,
        (segment.has_timestamps ? std::uint64_t{1} << 33U : 0) |
            (source_is_first ? std::uint64_t{1} << 32U : 0) |
            std::uint64_t{segment.flags.bits} << 16U | ip_id};
    return XXH3_64bits_withSeed(fields.data(), sizeof fields, seed_);
}

std::uint64_t CopyDetector::fingerprint(const IcmpError& error) const {
    FieldBuffer fields;
    fields.add(error.quoted_source.address);
    fields.add(error.quoted_destination.address);
    fields.add(static_cast<std::uint32_t>(error.quoted_source.port) << 16U |
               error.quoted_destination.port);
    fields.add(error.quoted_seq.value);
    fields.add(error.reporter);
    fields.add(static_cast<std::uint32_t>(error.type) << 8U | error.code);
    return fields.hash(seed_ + 1);
}

bool CopyDetector::is_copy(std::uint64_t fingerprint, Timestamp now) {
    while (first_ < next_ && now - place(first_).at > kWindow) {
        ++first_;
    }
    std::uint32_t& last = chain(fingerprint);
    const Number before = newest(last);
    for (Number number = before; number >= first_; number = place(number).before) {
        if (place(number).fingerprint == fingerprint) {
            return true;
        }
    }
    place(next_) = {fingerprint, now, before};
    last = static_cast<std::uint32_t>(next_++);
    first_ = std::max(first_, next_ > kCapacity ? next_ - kCapacity : 1);
    return false;
}

bool CopyDetector::was_shown(std::uint64_t fingerprint, Timestamp now) const {
    for (Number number = newest(chain(fingerprint)); number >= first_;
         number = place(number).before) {
        if (place(number).fingerprint == fingerprint && now - place(number).at <= kWindow) {
            return true;
        }
    }
    return false;
}

}  // namespace tcpeek
