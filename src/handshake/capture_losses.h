// When the capture lost packets: what happened to an attempt meanwhile may not have been seen.
#pragma once

#include <array>
#include <cstddef>

#include "base/timestamp.h"

namespace tcpeek {

// Spans of time, in their order. Only so many are remembered: where there are more, the oldest are
// joined to one, so that a timeout is called doubtful rather than trusted.
class CaptureLosses {
  public:
    // Both ends belong to the span. `to` is not before that of the last call.
    void add(Timestamp from, Timestamp to);

    // Whether a span touches the one from `from` to `to`.
    [[nodiscard]] bool overlap(Timestamp from, Timestamp to) const;

  private:
    struct Span {
        Timestamp from;
        Timestamp to;
    };
    static constexpr std::size_t kMostSpans = 64;

    std::array<Span, kMostSpans> spans_{};
    std::size_t count_ = 0;
};

}  // namespace tcpeek
