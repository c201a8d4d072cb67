#include "handshake/capture_losses.h"

#include <algorithm>

namespace tcpeek {

void CaptureLosses::add(Timestamp from, Timestamp to) {
    if (count_ > 0 && from <= spans_[count_ - 1].to) {
        spans_[count_ - 1].to = std::max(spans_[count_ - 1].to, to);
        return;
    }
    if (count_ == kMostSpans) {
        spans_[1].from = spans_[0].from;
        std::move(spans_.begin() + 1, spans_.end(), spans_.begin());
        --count_;
    }
    spans_[count_++] = {from, to};
}

bool CaptureLosses::overlap(Timestamp from, Timestamp to) const {
    return std::any_of(spans_.begin(), spans_.begin() + static_cast<std::ptrdiff_t>(count_),
                       [&](const Span& span) { return span.from <= to && from <= span.to; });
}

}  // namespace tcpeek
