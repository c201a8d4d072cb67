// The works of LiveCapture: opening interfaces, at the start and when they appear later.
#include <fmt/format.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "capture/live_devices.h"
#include "capture/live_engine.h"

namespace tcpeek {

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
    if (const Result<void> chosen = engine->choose_engine(); !chosen) {
        return chosen.error();
    }
    return engine;
}

LiveInterface LiveCapture::Engine::description_of(const Source& source) const {
    if (source.handle) {
        return source.handle->description();
    }
    const bool raw_ip = source.index != 0 && source.taps.front().start() == PacketStart::network;
    const int dlt = raw_ip ? DLT_RAW : DLT_EN10MB;
    return {source.totals.interface, pcap_datalink_val_to_name(dlt),
            pcap_datalink_val_to_description(dlt), options_.snapshot_length};
}

Result<void> LiveCapture::Engine::add_all() {
    if (options_.wait) {
        return add_waiting();
    }
    const Result<std::vector<const Link*>> devices = choose_devices(links_, options_.interfaces);
    if (!devices) {
        return devices.error();
    }
    for (const Link* device : devices.value()) {
        const Result<void> added = add(device, device != nullptr ? device->name : "any");
        if (!added) {
            return added;
        }
    }
    return {};
}

Result<void> LiveCapture::Engine::add(const Link* link, std::string wanted) {
    Source source;
    source.wanted = std::move(wanted);
    if (const Result<void> opened = open_source(source, link); !opened) {
        return opened;
    }
    interfaces_.push_back(description_of(source));
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

Result<void> LiveCapture::Engine::open_source(Source& source, const Link* link) {
    const Result<void> opened = ring_ ? open_taps(source, link) : open_handle(source, link);
    if (!opened) {
        return opened;
    }
    source.presence = Presence::up;
    source.totals.interface = link != nullptr ? link->name : LiveHandle::any;
    source.index = link != nullptr ? link->index : 0;
    source.last_missed = missed_by_driver(source.index);
    if (link != nullptr) {
        source.id = names_.intern(link->name);
    }
    return {};
}

Result<void> LiveCapture::Engine::open_handle(Source& source, const Link* link) {
    Result<LiveHandle> handle = LiveHandle::open(link, options_, filter_.get());
    if (!handle) {
        return handle.error();
    }
    source.handle = std::move(handle).value();
    return {};
}

void LiveCapture::Engine::await(Source& source) {
    source.presence = Presence::awaited;
    source.index = 0;
    // Not the interface that is gone, where any that is usable will do.
    events_.push_back({LiveEvent::Kind::awaited, source.wanted, ""});
}

std::vector<InterfaceState> LiveCapture::Engine::states() const {
    std::vector<InterfaceState> all;
    for (const Source& source : sources_) {
        const std::string& device = source.totals.interface;
        switch (source.presence) {
            case Presence::up:
                all.push_back({device, InterfaceState::Kind::watched});
                break;
            case Presence::down:
                all.push_back({device, InterfaceState::Kind::awaited});
                break;
            case Presence::leaving:
            case Presence::gone:
                all.push_back({device, InterfaceState::Kind::gone});
                break;
            case Presence::awaited:
                all.push_back({source.wanted, source.refusal.empty()
                                                  ? InterfaceState::Kind::awaited
                                                  : InterfaceState::Kind::refused});
                break;
        }
    }
    return all;
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
        if (const Result<void> opened = open_source(source, link); opened) {
            source.refusal.clear();
            report(LiveEvent::Kind::appeared, source);
        } else if (opened.error().message != source.refusal) {
            source.refusal = opened.error().message;
            events_.push_back({LiveEvent::Kind::refused, source.totals.interface, source.refusal});
        }
    }
}

}  // namespace tcpeek
