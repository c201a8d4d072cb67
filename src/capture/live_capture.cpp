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

std::string LiveCapture::engine_description() const {
    return engine_->description();
}

bool LiveCapture::uses_hooks() const {
    return engine_->uses_hooks();
}

bool LiveCapture::has_kernel_filter() const {
    return engine_->filter() != nullptr;
}

std::string LiveCapture::notice() const {
    return engine_->notice();
}

KernelFilterStatistics LiveCapture::filter_statistics() const {
    return engine_->filter() != nullptr ? engine_->filter()->statistics()
                                        : KernelFilterStatistics{};
}

void LiveCapture::enter_into_filter(const ConnectionKey& key, SeqNumber isn) {
    if (engine_->filter() != nullptr) {
        engine_->filter()->enter(key, isn);
    }
}

void LiveCapture::remove_from_filter(const ConnectionKey& key, SeqNumber isn,
                                     KernelFilter::Removal why) {
    if (engine_->filter() != nullptr) {
        engine_->filter()->remove(key, isn, why);
    }
}

void LiveCapture::tend_filter(const AttemptDirectory& attempts) {
    if (engine_->filter() != nullptr) {
        engine_->filter()->tend(attempts, engine_->complete_until());
    }
}

bool LiveCapture::filter_wants_tending_soon() const {
    return engine_->filter() != nullptr && engine_->filter()->wants_tending_soon();
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

std::vector<InterfaceState> LiveCapture::states() const {
    return engine_->states();
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
