#include "capture/live_capture.h"

#include <utility>

#include "capture/live_engine.h"

namespace tcpeek {

LiveCapture::LiveCapture(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
LiveCapture::LiveCapture(LiveCapture&&) noexcept = default;
LiveCapture& LiveCapture::operator=(LiveCapture&&) noexcept = default;
LiveCapture::~LiveCapture() = default;

Result<LiveCapture> LiveCapture::open(const LiveOptions& options, InterfaceNames& names) {
    Result<std::unique_ptr<Engine>> engine = Engine::open(options, names);
    if (!engine) {
        return engine.error();
    }
    return LiveCapture(std::move(engine).value());
}

const std::vector<LiveInterface>& LiveCapture::interfaces() const {
    return engine_->interfaces();
}

std::size_t LiveCapture::poll(Duration timeout, const FrameConsumer& consume) {
    return engine_->poll(timeout, consume);
}

void LiveCapture::drain(const FrameConsumer& consume) {
    engine_->drain(consume);
}

std::vector<LiveEvent> LiveCapture::take_events() {
    return engine_->take_events();
}

bool LiveCapture::exhausted() const {
    return engine_->exhausted();
}

std::uint64_t LiveCapture::dropped_by_kernel() {
    return engine_->dropped_by_kernel();
}

std::vector<LiveStatistics> LiveCapture::statistics() {
    return engine_->statistics();
}

Timestamp LiveCapture::complete_until() const {
    return engine_->complete_until();
}

void LiveCapture::wake() {
    engine_->wake();
}

}  // namespace tcpeek
