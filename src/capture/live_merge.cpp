// How LiveCapture reads its rings and merges them by time.
#include <algorithm>

#include "capture/live_engine.h"

namespace tcpeek {
namespace {

// Frames per call of `poll`, so that a line that never rests does not keep the caller waiting.
constexpr int batch_limit = 4096;

// What was captured before this has left the kernel: its block was handed over 20 ms after it
// was begun, give or take timer ticks and a busy machine.
constexpr Duration kernel_delay = Duration::milliseconds(100);

// The time from the stamp on a packet to its place in the ring.
constexpr Duration stamp_delay = Duration::milliseconds(3);

// A frame that may have earlier ones of other interfaces before it waits until it is this old at
// most.
constexpr Duration merge_delay = Duration::milliseconds(40);

// A merge that had to keep a frame back is taken up again after this, so that frames come in
// batches and not one by one as they become due.
constexpr Duration round_length = Duration::milliseconds(3);

}  // namespace

std::size_t LiveCapture::Engine::deliver(const Now& now, const FrameConsumer& consume) {
    if (ring_) {
        return deliver_from_ring(consume);
    }
    if (Source* only = only_source()) {
        return deliver_directly(*only, consume);
    }
    return rests(now) ? 0 : merge(now, true, consume);
}

// Whether the merge keeps frames back and nothing new has come that could set them free.
bool LiveCapture::Engine::rests(const Now& now) const {
    return now.steady < next_round_ &&
           std::none_of(sources_.begin(), sources_.end(), [](const Source& source) {
               return source.handle && !source.head && source.readable;
           });
}

// The one source that is left, where no frame is kept back; nullptr otherwise.
LiveCapture::Engine::Source* LiveCapture::Engine::only_source() {
    Source* only = nullptr;
    for (Source& source : sources_) {
        if (!source.handle) {
            continue;
        }
        if (only != nullptr || source.head) {
            return nullptr;
        }
        only = &source;
    }
    return only;
}

std::size_t LiveCapture::Engine::deliver_directly(Source& source, const FrameConsumer& consume) {
    if (!source.readable) {
        return 0;
    }
    const std::uint64_t before = source.handed_over;
    const LiveHandle::Outcome outcome =
        source.handle->read_in_place(batch_limit, [&](const LiveFrame& live) {
            Frame frame = live.frame;
            frame.interface = interface_of(source, live.interface_index);
            source.last_time = frame.time;
            ++source.handed_over;
            consume(FrameBatch::of(frame));
        });
    const auto handed_over = static_cast<std::size_t>(source.handed_over - before);
    if (outcome == LiveHandle::Outcome::broken) {
        on_broken(source);
    } else if (handed_over < batch_limit) {
        source.readable = false;
    }
    return handed_over;
}

// Hands over the earliest of the frames at the heads of all rings, again and again, as long as it
// is due; with `wait` false it always is.
std::size_t LiveCapture::Engine::merge(const Now& now, bool wait, const FrameConsumer& consume) {
    std::size_t handed_over = 0;
    for (Source& source : sources_) {
        fill_head(source, now);
        look_into_ring(source, now);
    }
    while (handed_over < batch_limit) {
        for (Source& source : sources_) {
            fill_head(source, now);
        }
        Source* earliest = earliest_head();
        if (earliest == nullptr) {
            break;
        }
        if (wait && !due(*earliest, now)) {
            next_round_ = now.steady + round_length;
            break;
        }
        ++earliest->handed_over;
        ++handed_over;
        consume(FrameBatch::of(*earliest->head));
        earliest->head.reset();
    }
    return handed_over;
}

void LiveCapture::Engine::fill_head(Source& source, const Now& now) {
    if (!source.handle || source.head || !source.readable) {
        return;
    }
    LiveFrame live;
    switch (source.handle->next(live)) {
        case LiveHandle::Outcome::frames:
            source.head = live.frame;
            source.head->interface = interface_of(source, live.interface_index);
            source.head_taken = now.steady;
            source.last_time = live.frame.time;
            break;
        case LiveHandle::Outcome::empty:
            source.readable = false;
            break;
        case LiveHandle::Outcome::broken:
            on_broken(source);
            break;
    }
}

LiveCapture::Engine::Source* LiveCapture::Engine::earliest_head() {
    Source* earliest = nullptr;
    for (Source& source : sources_) {
        if (source.head && (earliest == nullptr || source.head->time < earliest->head->time)) {
            earliest = &source;
        }
    }
    return earliest;
}

// Whether no other source can have an earlier frame than the head of `source`, or it has waited
// long enough, or a ring behind it cannot wait any longer.
bool LiveCapture::Engine::due(const Source& source, const Now& now) const {
    const Timestamp time = source.head->time;
    if (now.wall - time >= merge_delay || now.steady - source.head_taken >= merge_delay) {
        return true;
    }
    const bool crowded = std::any_of(sources_.begin(), sources_.end(),
                                     [](const Source& any) { return any.crowded; });
    return crowded || std::all_of(sources_.begin(), sources_.end(), [time](const Source& other) {
               return !other.handle || other.head || other.finished || time <= other.complete;
           });
}

// A source whose packets have all been read, also those in the block that the kernel is still
// filling, has nothing earlier to say than packets on their way into the ring.
void LiveCapture::Engine::look_into_ring(Source& source, const Now& now) {
    source.crowded = source.head && source.handle->crowded();
    if (!source.handle) {
        return;
    }
    if (!source.head && source.handle->outstanding() == 0) {
        source.complete = now.wall - stamp_delay;
    }
}

void LiveCapture::Engine::note_completeness(const Now& now) {
    const Timestamp left_the_kernel = now.wall - kernel_delay;
    Timestamp until = left_the_kernel;
    if (ring_) {
        complete_until_ = ring_is_empty_ ? now.wall - stamp_delay : last_ring_time_;
        return;
    }
    for (const Source& source : sources_) {
        if (source.head) {
            until = std::min(until, source.head->time);
        } else if (source.handle && source.readable) {
            until = std::min(until, source.last_time);
        }
    }
    complete_until_ = until;
}

}  // namespace tcpeek
