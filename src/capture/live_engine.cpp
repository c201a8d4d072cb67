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
#include "capture/live_devices.h"

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

Result<std::unique_ptr<LiveCapture::Engine>> LiveCapture::Engine::open(const LiveOptions& options,
                                                                       InterfaceNames& names) {
    Result<LinkTable> links = LinkTable::open();
    if (!links) {
        return links.error();
    }
    UniqueFd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!wake.valid()) {
        return Error{fmt::format("cannot make an event descriptor: {}", std::strerror(errno))};
    }
    std::unique_ptr<Engine> engine(
        new Engine(std::move(links).value(), std::move(wake), names, options));
    if (options.wait) {
        if (const Result<void> added = engine->add_waiting(); !added) {
            return added.error();
        }
        return engine;
    }
    const Result<std::vector<const Link*>> devices =
        choose_devices(engine->links_, options.interfaces);
    if (!devices) {
        return devices.error();
    }
    for (const Link* device : devices.value()) {
        const Result<void> added = engine->add(device, device != nullptr ? device->name : "any");
        if (!added) {
            return added.error();
        }
    }
    return engine;
}

Result<void> LiveCapture::Engine::add(const Link* link, std::string wanted) {
    Source source;
    source.wanted = std::move(wanted);
    if (const Result<void> opened = open_handle(source, link); !opened) {
        return opened;
    }
    interfaces_.push_back(source.handle->description());
    if (link == nullptr) {
        for (const Link& each : links_.links()) {
            ids_[each.index] = names_.intern(each.name);
        }
    }
    sources_.push_back(std::move(source));
    return {};
}

// Those that are there and up are opened, and must be; the others are waited for.
Result<void> LiveCapture::Engine::add_waiting() {
    std::vector<std::string> wanted = options_.interfaces;
    if (std::find(wanted.begin(), wanted.end(), LiveHandle::any) != wanted.end()) {
        return add(nullptr, LiveHandle::any);
    }
    if (wanted.empty()) {
        wanted.emplace_back();
    }
    for (std::string& name : wanted) {
        Source source;
        source.wanted = std::move(name);
        const Link* link = find_wanted(source);
        const bool known = std::any_of(sources_.begin(), sources_.end(), [&](const Source& other) {
            return other.wanted == source.wanted || (link != nullptr && other.index == link->index);
        });
        if (known) {
            continue;
        }
        if (link == nullptr || !link->up) {
            source.totals.interface = source.wanted;
            await(source);
            sources_.push_back(std::move(source));
        } else if (const Result<void> added = add(link, source.wanted); !added) {
            return added;
        }
    }
    return {};
}

Result<void> LiveCapture::Engine::open_handle(Source& source, const Link* link) {
    Result<LiveHandle> handle = LiveHandle::open(link, options_);
    if (!handle) {
        return handle.error();
    }
    source.handle = std::move(handle).value();
    source.presence = Presence::up;
    source.totals.interface = source.handle->description().name;
    source.index = link != nullptr ? link->index : 0;
    source.last_missed = missed_by_driver(source.index);
    if (link != nullptr) {
        source.id = names_.intern(link->name);
    }
    return {};
}

void LiveCapture::Engine::await(Source& source) {
    source.presence = Presence::awaited;
    source.index = 0;
    report(LiveEvent::Kind::awaited, source);
}

const Link* LiveCapture::Engine::find_wanted(const Source& source) const {
    if (!source.wanted.empty()) {
        return links_.find(source.wanted);
    }
    const auto usable =
        std::find_if(links_.links().begin(), links_.links().end(),
                     [](const Link& link) { return link.up && link.running && !link.loopback; });
    return usable != links_.links().end() ? &*usable : nullptr;
}

void LiveCapture::Engine::open_awaited() {
    for (Source& source : sources_) {
        const Link* link = source.presence == Presence::awaited ? find_wanted(source) : nullptr;
        if (link == nullptr || !link->up) {
            continue;
        }
        if (const Result<void> opened = open_handle(source, link); opened) {
            source.refusal.clear();
            report(LiveEvent::Kind::appeared, source);
        } else if (opened.error().message != source.refusal) {
            source.refusal = opened.error().message;
            events_.push_back({LiveEvent::Kind::refused, source.totals.interface, source.refusal});
        }
    }
}

LiveCapture::Engine::Now LiveCapture::Engine::read_clocks() {
    return {wall_clock_now(), boot_clock_now()};
}

std::size_t LiveCapture::Engine::poll(Duration timeout, const FrameConsumer& consume) {
    const std::size_t known_events = events_.size();
    const Duration deadline = boot_clock_now() + timeout;
    bool woken = false;
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
        woken = watch(longest_wait(now, deadline));
    }
}

// Waits until something is to be done, takes note of what it is, and returns whether it was `wake`.
bool LiveCapture::Engine::watch(Duration timeout) {
    std::vector<pollfd> watched{{wake_.get(), POLLIN, 0}, {links_.descriptor(), POLLIN, 0}};
    std::vector<Source*> watched_sources;
    for (Source& source : sources_) {
        // With a frame in hand there is nothing to wait for: the rest stays in the ring.
        if (source.handle && !source.head) {
            watched.push_back({source.handle->descriptor(), POLLIN, 0});
            watched_sources.push_back(&source);
        }
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
        if (source.presence == Presence::leaving && now.steady >= source.closes_at &&
            !source.readable && !source.head) {
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
        if (source.handle) {
            source.totals.dropped_by_kernel = source.dropped_before + source.handle->dropped();
        }
        dropped += source.totals.dropped_by_kernel;
    }
    return dropped;
}

// Brings the totals up to now.
void LiveCapture::Engine::count(Source& source) {
    if (source.handle) {
        source.totals.dropped_by_kernel = source.dropped_before + source.handle->dropped();
    }
    source.totals.received = source.handed_over + source.totals.dropped_by_kernel;
    if (!source.handle || source.presence == Presence::leaving) {
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
        return source.handle || source.presence == Presence::awaited;
    });
}

std::vector<LiveStatistics> LiveCapture::Engine::statistics() {
    std::vector<LiveStatistics> all;
    for (Source& source : sources_) {
        count(source);
        all.push_back(source.totals);
    }
    return all;
}

void LiveCapture::Engine::wake() {
    static_cast<void>(::eventfd_write(wake_.get(), 1));
}

}  // namespace tcpeek
