#include "app/live_runner.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace tcpeek {
namespace {

// Expiry is looked at this often while attempts are pending; without any, nothing can happen.
constexpr Duration kTickWithPending = Duration::seconds(1);
constexpr Duration kTickWithoutPending = Duration::seconds(10);
// The kernel filter's table is filled again, or swept after a flood, piece by piece.
constexpr Duration kTickWhileTending = Duration::milliseconds(5);
// In a burst of drops they are told this often.
constexpr Duration kDropsToldEvery = Duration::seconds(60);
// Before something expires the kernel is asked for losses, but no more often than this.
constexpr Duration kLossesCheckedEvery = Duration::milliseconds(1);
// Frames that are judged together lie less than this apart: no attempt that the first of them
// begins expires (-t 1) before the last, so that losses are asked for in time.
constexpr Duration kLongestBatch = Duration::milliseconds(100);

std::string describe(const LiveEvent& event) {
    switch (event.kind) {
        case LiveEvent::Kind::went_down:
            return fmt::format("interface {} went down, waiting until it is up again",
                               event.interface);
        case LiveEvent::Kind::came_up:
            return fmt::format("interface {} is up again", event.interface);
        case LiveEvent::Kind::vanished:
            return fmt::format("interface {} has vanished", event.interface);
        case LiveEvent::Kind::awaited:
            return event.interface.empty()
                       ? std::string("waiting for an interface that is up and running")
                       : fmt::format("waiting for interface {}", event.interface);
        case LiveEvent::Kind::appeared:
            return fmt::format("interface {} is there, watching it", event.interface);
        case LiveEvent::Kind::refused:
            return event.why;
    }
    TCPEEK_UNREACHABLE("event kind out of range");
}

// For the journal's field TCPEEK_EVENT.
std::string_view name_of(LiveEvent::Kind kind) {
    switch (kind) {
        case LiveEvent::Kind::went_down:
            return "went_down";
        case LiveEvent::Kind::came_up:
            return "came_up";
        case LiveEvent::Kind::vanished:
            return "vanished";
        case LiveEvent::Kind::awaited:
            return "awaited";
        case LiveEvent::Kind::appeared:
            return "appeared";
        case LiveEvent::Kind::refused:
            return "refused";
    }
    TCPEEK_UNREACHABLE("event kind out of range");
}

}  // namespace

LiveRunner::LiveRunner(LiveCapture& capture, Pipeline& pipeline, Mailbox& mailbox,
                       DisplayQueue& queue, const Log& log, bool show_notices,
                       std::function<void(const std::string&)> tell_status)
    : capture_(capture),
      pipeline_(pipeline),
      mailbox_(mailbox),
      queue_(queue),
      log_(log),
      show_notices_(show_notices),
      tell_status_(std::move(tell_status)),
      started_(wall_clock_now()),
      losses_checked_(started_),
      drops_checked_(started_) {}

Result<void> LiveRunner::run() {
    const LiveCapture::FrameConsumer consume = [this](const FrameBatch& batch) { take(batch); };
    pipeline_.listen_to_settled(
        [this](const ConnectionKey& key, SeqNumber isn, KernelFilter::Removal why) {
            capture_.remove_from_filter(key, isn, why);
        });
    tell_events();
    tell_status_(status());
    while (!mailbox_.stop_requested() && !capture_.exhausted()) {
        mailbox_.run_all();
        Duration tick = pipeline_.tracker().pending() > 0 ? kTickWithPending : kTickWithoutPending;
        if (capture_.filter_wants_tending_soon()) {
            tick = kTickWhileTending;
        }
        const std::size_t taken = capture_.poll(tick, consume);
        absorb_clock_steps(taken);
        note_losses();
        pipeline_.advance(capture_.complete_until());
        capture_.tend_filter(pipeline_);
        tell_events();
        tell_drops(false);
    }
    capture_.drain(consume);
    note_losses();
    pipeline_.advance(wall_clock_now());
    mailbox_.run_until_empty();
    pipeline_.finish();
    tell_events();
    tell_drops(true);
    if (capture_.exhausted() && !mailbox_.stop_requested()) {
        return Error{
            "every interface that was watched has vanished; start again when one is there"};
    }
    return {};
}

SummaryView LiveRunner::summary() {
    SummaryView view = pipeline_.summary(capture_.statistics());
    view.from = started_;
    view.to = wall_clock_now();
    return view;
}

void LiveRunner::begin_copy(Snapshot& snapshot) {
    pipeline_.begin_copy(snapshot);
    snapshot.start = started_;
    snapshot.now = wall_clock_now();
    copy_filter_to(snapshot.kernel_filter);
    snapshot.interfaces.clear();
    for (const LiveStatistics& interface : capture_.statistics()) {
        snapshot.interfaces.push_back({interface.interface, interface.received,
                                       interface.dropped_by_kernel,
                                       interface.dropped_by_interface});
    }
}

void LiveRunner::copy_filter_to(KernelFilterCounters& counters) {
    const KernelFilterStatistics filter = capture_.filter_statistics();
    switch (filter.state) {
        case KernelFilterState::off:
            counters.state = KernelFilterCounters::State::off;
            break;
        case KernelFilterState::degraded:
            counters.state = KernelFilterCounters::State::degraded;
            break;
        case KernelFilterState::exact:
            counters.state = KernelFilterCounters::State::exact;
            break;
    }
    counters.capacity = filter.capacity;
    counters.degradations = filter.degradations;
    counters.failed_inserts = filter.failed_inserts;
    counters.removed = filter.removed;
    counters.swept = filter.swept;
    counters.runs_are_told = filter.runs_are_told;
    counters.runs = filter.runs;
    counters.run_time = filter.run_time;
}

void LiveRunner::take(const FrameBatch& batch) {
    std::size_t first = 0;  // of those that wait to be judged together
    for (std::size_t i = 0; i < batch.frames.size(); ++i) {
        const Frame& frame = batch.frames[i];
        if (shows_step(frame) || asks_for_losses(frame) ||
            frame.time - batch.frames[first].time >= kLongestBatch) {
            judge(batch, first, i);
            first = i;
            // Frames from before the step may still come after it was noticed: it is absorbed with
            // the first frame whose time shows it.
            if (shows_step(frame)) {
                pipeline_.absorb_forward_step(forward_step_);
                forward_step_ = {};
            }
            if (asks_for_losses(frame)) {
                note_losses();
            }
        }
        last_frame_ = frame.time;
    }
    judge(batch, first, batch.frames.size());
}

bool LiveRunner::shows_step(const Frame& frame) const {
    return forward_step_ > Duration{} && last_frame_ &&
           frame.time - *last_frame_ >= forward_step_ - TrackerClock::kStepThreshold;
}

bool LiveRunner::asks_for_losses(const Frame& frame) const {
    return pipeline_.tracker().expires_before(frame.time) &&
           frame.time - losses_checked_ >= kLossesCheckedEvery;
}

void LiveRunner::judge(const FrameBatch& batch, std::size_t first, std::size_t end) {
    static_assert(FrameBatch::kMost <= Pipeline::kBatch);
    pipeline_.take(batch.frames.subspan(first, end - first));
    if (!capture_.has_kernel_filter()) {
        return;
    }
    for (std::size_t i = first; i < end; ++i) {
        const Segment* syn = batch.entered[i] ? nullptr : pipeline_.last_syn(i - first);
        if (syn != nullptr) {
            const ConnectionKey key = ConnectionKey::of(syn->source, syn->destination);
            if (pipeline_.has_attempt(key)) {
                capture_.enter_into_filter(key, syn->seq);
            }
        }
    }
}

void LiveRunner::absorb_clock_steps(std::size_t frames_taken) {
    if (frames_taken == 0 && forward_step_ > Duration{}) {
        pipeline_.absorb_forward_step(forward_step_);
        forward_step_ = {};
    }
    if (const auto step = clock_steps_.poll(); step && *step > Duration{}) {
        forward_step_ = forward_step_ + *step;
        log_.write(LogLevel::notice, fmt::format("the wall clock was set forward by {:.3f} s",
                                                 static_cast<double>(step->ns) / 1e9));
        if (frames_taken == 0) {
            pipeline_.absorb_forward_step(forward_step_);
            forward_step_ = {};
        }
    }
}

void LiveRunner::tell_events() {
    const std::vector<LiveEvent> events = capture_.take_events();
    for (const LiveEvent& event : events) {
        const std::string line = describe(event);
        log_.write(LogLevel::warning, line,
                   {{"INTERFACE", event.interface}, {"EVENT", std::string(name_of(event.kind))}});
        if (show_notices_) {
            queue_.push_always(NoticeItem{fmt::format("tcpeek: {}\n", line)});
        }
    }
    if (!events.empty()) {
        tell_status_(status());
    }
}

std::string LiveRunner::status() const {
    std::vector<std::string> watched;
    std::vector<std::string> awaited;
    for (const InterfaceState& interface : capture_.states()) {
        const std::string name =
            interface.name.empty() ? "an interface that is up" : interface.name;
        switch (interface.kind) {
            case InterfaceState::Kind::watched:
                watched.push_back(name);
                break;
            case InterfaceState::Kind::awaited:
                awaited.push_back(name);
                break;
            case InterfaceState::Kind::refused:
                awaited.push_back(name + " (refused)");
                break;
            case InterfaceState::Kind::gone:
                break;
        }
    }
    std::string text =
        watched.empty() ? std::string() : fmt::format("watching {}", fmt::join(watched, ", "));
    if (!awaited.empty()) {
        text += fmt::format("{}waiting for {}", text.empty() ? "" : "; ", fmt::join(awaited, ", "));
    }
    return text.empty() ? "no interface is left" : text;
}

void LiveRunner::note_losses() {
    const std::uint64_t lost = capture_.dropped_by_kernel();
    const Timestamp now = wall_clock_now();
    if (lost > losses_noted_) {
        losses_noted_ = lost;
        pipeline_.note_capture_loss(std::min(losses_checked_, now), now);
    }
    losses_checked_ = now;
}

// The first drop of a burst at once, the others together a minute later, or at the end. What the
// interfaces drop costs a question to each, so that it is looked at once a minute only.
void LiveRunner::tell_drops(bool at_end) {
    const Timestamp now = wall_clock_now();
    const auto minute_since = [now](Timestamp then) {
        return now - then >= kDropsToldEvery || now < then;
    };
    const bool lost_more = losses_noted_ > losses_told_;
    const bool may_tell = !drops_told_at_ || minute_since(*drops_told_at_);
    if (!at_end && !(may_tell && (lost_more || minute_since(drops_checked_)))) {
        return;
    }
    drops_checked_ = now;
    losses_told_ = losses_noted_;
    std::uint64_t dropped = 0;
    for (const LiveStatistics& interface : capture_.statistics()) {
        dropped += interface.dropped_by_kernel + interface.dropped_by_interface;
    }
    if (dropped > drops_told_) {
        const std::string more = fmt::format("{}", dropped - drops_told_);
        log_.write(LogLevel::warning,
                   fmt::format("{} packets were dropped, {} since the start; a larger -B may help",
                               more, dropped),
                   {{"EVENT", "dropped"}, {"DROPPED", more}});
        drops_told_ = dropped;
        drops_told_at_ = now;
    }
}

}  // namespace tcpeek
