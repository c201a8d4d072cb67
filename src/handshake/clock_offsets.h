// Short names for the differences between the tracker's clock and the packets'.
#pragma once

#include <array>
#include <cstdint>

#include "base/timestamp.h"

namespace tcpeek {

// A run has few: each comes from a step of a clock. Beyond the limit they have no name.
class ClockOffsets {
  public:
    using Name = std::uint8_t;
    static constexpr Name kNoName = 255;

    // The name of an offset, which is kept from then on; kNoName when there is no room.
    Name name(Duration offset) {
        for (Name known = count_; known > 0; --known) {
            if (offsets_[known - 1U] == offset) {
                return static_cast<Name>(known - 1U);
            }
        }
        if (count_ == kNoName) {
            return kNoName;
        }
        offsets_[count_] = offset;
        return count_++;
    }
    // `name` is none but kNoName.
    [[nodiscard]] Duration operator[](Name name) const { return offsets_[name]; }

  private:
    std::array<Duration, kNoName> offsets_{};
    Name count_ = 0;
};

}  // namespace tcpeek
