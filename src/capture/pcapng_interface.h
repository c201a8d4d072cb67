// What a pcapng Interface Description Block says: link type, snapshot length, name, and how the
// interface's time stamps are to be read (draft-ietf-opsawg-pcapng, section 4.2).
#pragma once

#include <bit>
#include <cstdint>

#include "base/byte_reader.h"
#include "base/result.h"
#include "base/timestamp.h"
#include "capture/interface_names.h"
#include "dissect/frame.h"

namespace tcpeek {

// Turns an interface's ticks into nanoseconds since 1970. Finer resolutions are cut to whole
// nanoseconds; times that 64 bits cannot hold become the nearest one that they can.
class PcapngClock {
  public:
    // Takes over an if_tsresol option: a negative power of ten, or of two when the highest bit is
    // set. Returns false if a second has more ticks than 64 bits can count.
    bool set_resolution(std::uint8_t resolution);
    // Takes over an if_tsoffset option.
    void set_offset(std::int64_t seconds) { offset_seconds_ = seconds; }

    [[nodiscard]] Timestamp at(std::uint64_t ticks) const {
        // Nearly all interfaces: microseconds or nanoseconds since 1970.
        std::int64_t ns = 0;
        if (divisor_ == 1 && shift_ == 0 && offset_seconds_ == 0 &&
            !__builtin_mul_overflow(ticks, multiplier_, &ns)) {
            return {ns};
        }
        return at_any(ticks);
    }

  private:
    [[nodiscard]] Timestamp at_any(std::uint64_t ticks) const;

    // A tick is multiplier / divisor / 2^shift nanoseconds; microseconds unless stated.
    std::uint64_t multiplier_ = 1'000;
    std::uint64_t divisor_ = 1;
    unsigned shift_ = 0;
    std::int64_t offset_seconds_ = 0;
};

struct PcapngInterface {
    LinkType link_type;
    std::uint32_t snapshot_length = 0;
    InterfaceId id;
    PcapngClock clock;

    // Reads the block's body (between its two lengths). Its name is put into `names`. Errors are
    // predicates of the block ("describes an interface with ...").
    static Result<PcapngInterface> parse(Bytes body, std::endian order, InterfaceNames& names);
};

}  // namespace tcpeek
