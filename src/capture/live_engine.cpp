#include "capture/live_engine.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "capture/boot_clock.h"

namespace tcpeek {
namespace {

// How long the end of a capture, or of an interface, waits for the block that is being filled.
constexpr Duration last_block_wait = Duration::milliseconds(60);
constexpr Duration drain_wakeup = Duration::milliseconds(5);

timespec to_timespec(Duration duration) {
    const std::int64_t ns = std::max<std::int64_t>(duration.ns, 0);
    timespec time{};
    time.tv_sec = ns / 1'000'000'000;
    time.tv_nsec = ns % 1'000'000'000;
    return time;
}

}  // namespace

LiveCapture::Engine::Engine(LinkTable links, UniqueFd wake, InterfaceNames& names,
                            const LiveOptions& options)
    : names_(names), options_(options), links_(std::move(links)), wake_(std::move(wake)) {}

LiveCapture::Engine::Now LiveCapture::Engine::read_clocks() {
    return {wall_clock_now(), boot_clock_now()};
}

std::size_t LiveCapture::Engine::poll(Duration timeout, const FrameConsumer& consume) {
    const std::size_t known_events = events_.size();
    const Duration deadline = boot_clock_now() + timeout;
    bool woken = rest_between_batches();
    for (;;) {
        // The clocks are read first: a ring that is found empty then was empty at that time.
        const Now now = read_clocks();
        woken = watch(Duration{}) || woken;
        open_awaited();
        const std::size_t handed_over = deliver(now, consume);
        note_completeness(now);
        close_left(now);
        if (handed_over > 0 || woken || events_.size() != known_events || exhausted() ||
            now.steady >= deadline) {
            return handed_over;
        }
        if (ring_) {
            filter_->arm();
        }
        woken = watch(longest_wait(now, deadline), Ring::wakes);
    }
}

// Waits until something is to be done, takes note of what it is, and returns whether it was `wake`.
bool LiveCapture::Engine::watch(Duration timeout, Ring ring) {
    std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}, {links_.descriptor(), POLLIN, 0}};
    std::vector<Source*> watched_sources;
    for (Source& source : sources_) {
        // With a frame in hand there is nothing to wait for: the rest stays in the ring.
        if (source.handle && !source.head) {
            watched.push_back({source.handle->descriptor(), POLLIN, 0});
            watched_sources.push_back(&source);
        }
    }
    if (ring_ && ring == Ring::wakes) {
        watched.push_back({ring_->descriptor(), POLLIN, 0});
    }
    const timespec limit = to_timespec(timeout);
    if (::ppoll(watched.data(), watched.size(), &limit, nullptr) <= 0) {
        return false;
    }
    for (std::size_t i = 0; i < watched_sources.size(); ++i) {
        const short events = watched[i + 2].revents;
        Source& source = *watched_sources[i];
        source.readable = source.readable || (events & POLLIN) != 0;
        if ((events & ~POLLIN) != 0) {
            // The interface went down or vanished; which of both, the news about links tell.
            source.handle->clear_error();
        }
    }
    if (watched[1].revents != 0) {
        // When the table cannot be read again, it stays as it is until the next news.
        static_cast<void>(
            links_.refresh([this](const Link& link, bool exists) { on_link(link, exists); }));
    }
    if (watched[0].revents == 0) {
        return false;
    }
    eventfd_t count = 0;
    static_cast<void>(::eventfd_read(wake_.get(), &count));
    return true;
}

// Until the caller's deadline, a kept frame is due, or a vanished interface is given up.
Duration LiveCapture::Engine::longest_wait(const Now& now, Duration deadline) const {
    Duration wait = deadline - now.steady;
    for (const Source& source : sources_) {
        if (source.head) {
            wait = std::min(wait, next_round_ - now.steady);
        }
        if (source.presence == Presence::leaving && !source.head) {
            wait = std::min(wait, source.closes_at - now.steady);
        }
    }
    return wait;
}

void LiveCapture::Engine::on_link(const Link& link, bool exists) {
    if (exists && ids_.count(link.index) != 0) {
        ids_[link.index] = names_.intern(link.name);
        last_index_ = 0;
    }
    if (ring_ && exists) {
        tap_new_interface(link);
    }
    for (Source& source : sources_) {
        const bool open = source.presence == Presence::up || source.presence == Presence::down;
        if (source.index != link.index || !open) {
            continue;
        }
        if (!exists) {
            start_leaving(source);
            continue;
        }
        source.id = names_.intern(link.name);
        const Presence presence = link.up ? Presence::up : Presence::down;
        if (presence != source.presence) {
            source.presence = presence;
            report(link.up ? LiveEvent::Kind::came_up : LiveEvent::Kind::went_down, source);
        }
    }
}

void LiveCapture::Engine::start_leaving(Source& source) {
    source.presence = Presence::leaving;
    source.closes_at = boot_clock_now() + last_block_wait;
    report(LiveEvent::Kind::vanished, source);
}

// libpcap says that the interface disappeared also when it was only renamed and went down. Only
// what the kernel says of it counts, or a ring that stays readable and cannot be read.
void LiveCapture::Engine::on_broken(Source& source) {
    source.readable = false;
    static_cast<void>(
        links_.refresh([this](const Link& link, bool exists) { on_link(link, exists); }));
    if (source.presence == Presence::leaving) {
        return;
    }
    pollfd ring{source.handle->descriptor(), POLLIN, 0};
    if (::poll(&ring, 1, 0) > 0 && (ring.revents & POLLIN) != 0) {
        report(LiveEvent::Kind::vanished, source);
        close(source);
    }
}

void LiveCapture::Engine::close_left(const Now& now) {
    for (Source& source : sources_) {
        const bool all_read = source.tapped ? ring_is_empty_ : !source.readable && !source.head;
        if (source.presence == Presence::leaving && now.steady >= source.closes_at && all_read) {
            close(source);
        }
    }
}

void LiveCapture::Engine::close(Source& source) {
    count(source);
    source.dropped_before = source.totals.dropped_by_kernel;
    source.presence = Presence::gone;
    source.readable = false;
    source.head.reset();
    source.handle.reset();
    source.taps.clear();
    source.tapped = false;
    if (options_.wait) {
        await(source);
    }
}

void LiveCapture::Engine::report(LiveEvent::Kind kind, const Source& source) {
    events_.push_back({kind, source.totals.interface, ""});
}

std::uint64_t LiveCapture::Engine::dropped_by_kernel() {
    std::uint64_t dropped = 0;
    for (Source& source : sources_) {
        if (source.is_open()) {
            source.totals.dropped_by_kernel = source.dropped_before + this->dropped(source);
        }
        dropped += source.totals.dropped_by_kernel;
    }
    return dropped;
}

// Brings the totals up to now.
void LiveCapture::Engine::count(Source& source) {
    if (source.is_open()) {
        source.totals.dropped_by_kernel = source.dropped_before + dropped(source);
    }
    source.totals.received = source.handed_over + source.totals.dropped_by_kernel;
    if (!source.is_open() || source.presence == Presence::leaving) {
        return;
    }
    if (const std::optional<std::uint64_t> missed = missed_by_driver(source.index)) {
        // Less than before: the driver was reset, or an interface of `any` is gone.
        const std::uint64_t before = source.last_missed.value_or(*missed);
        source.totals.dropped_by_interface += *missed > before ? *missed - before : 0;
        source.last_missed = missed;
    }
}

InterfaceId LiveCapture::Engine::interface_of(const Source& source, unsigned index) {
    if (index == 0) {
        return source.id;
    }
    if (index == last_index_) {
        return last_id_;
    }
    auto known = ids_.find(index);
    if (known == ids_.end()) {
        // An interface that appeared just now: the news of it came before its first packet.
        static_cast<void>(
            links_.refresh([this](const Link& link, bool exists) { on_link(link, exists); }));
        const Link* link = links_.find(index);
        const InterfaceId id = link != nullptr ? names_.intern(link->name) : InterfaceId::none();
        known = ids_.emplace(index, id).first;
    }
    last_index_ = index;
    last_id_ = known->second;
    return last_id_;
}

bool LiveCapture::Engine::all_finished() {
    bool all = true;
    for (Source& source : sources_) {
        source.finished = !source.handle || source.handle->outstanding() == 0;
        all = all && source.finished;
    }
    return all;
}

void LiveCapture::Engine::drain(const FrameConsumer& consume) {
    for (Source& source : sources_) {
        if (source.handle) {
            source.handle->stop_receiving();
        }
        source.taps.clear();
    }
    const Duration deadline = boot_clock_now() + last_block_wait;
    for (;;) {
        const Now now = read_clocks();
        const bool finished = all_finished();
        watch(Duration{});
        while (deliver(now, consume) > 0) {
        }
        if (finished || now.steady >= deadline) {
            break;
        }
        watch(drain_wakeup);
    }
    while (merge(read_clocks(), false, consume) > 0) {
    }
    note_completeness(read_clocks());
}

std::vector<LiveEvent> LiveCapture::Engine::take_events() {
    return std::exchange(events_, {});
}

bool LiveCapture::Engine::exhausted() const {
    return std::none_of(sources_.begin(), sources_.end(), [](const Source& source) {
        return source.is_open() || source.presence == Presence::awaited;
    });
}

std::vector<LiveStatistics> LiveCapture::Engine::statistics() {
    std::vector<LiveStatistics> all;
    for (Source& source : sources_) {
        count(source);
        // "The first that is usable" has no name, and nothing to tell, before there is one.
        if (!source.totals.interface.empty()) {
            all.push_back(source.totals);
        }
    }
    return all;
}

void LiveCapture::Engine::wake() {
    static_cast<void>(::eventfd_write(wake_.get(), 1));
}

}  // namespace tcpeek
