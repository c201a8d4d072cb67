// The works of LiveCapture: which engine runs, and what is different with hooks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <utility>

#include "capture/boot_clock.h"
#include "capture/live_engine.h"

namespace tcpeek {
namespace {

// Packets per call of `poll`, as with sockets.
constexpr std::size_t kBatchLimit = 4096;
// After a small batch the ring fills for so long, or every packet would wake this process.
constexpr Duration kRest = Duration::milliseconds(5);
constexpr std::size_t kSmallBatch = 1024;

constexpr std::uint32_t kOctetsPerMegabyte = 1U << 20U;
constexpr std::uint32_t kMostRingMegabytes = 1024;  // a size in the kernel is an int

// A ring's size is a power of two.
std::uint32_t ring_octets(std::uint32_t megabytes) {
    return std::bit_ceil(std::min(megabytes, kMostRingMegabytes)) * kOctetsPerMegabyte;
}

KernelFilterOptions filter_options(const LiveOptions& options, bool hooks) {
    KernelFilterOptions filter;
    filter.icmp = options.icmp;
    filter.judges_all = options.judges_all;
    filter.snapshot_length = options.snapshot_length;
    filter.connections = options.filter_connections;
    filter.ring_octets = hooks ? ring_octets(options.buffer_megabytes) : 0;
    return filter;
}

}  // namespace

Result<void> LiveCapture::Engine::choose_engine() {
    if (options_.engine == CaptureEngine::socket) {
        use_sockets("");
        return add_all();
    }
    const Result<void> hooks = use_hooks();
    if (hooks) {
        return hooks;
    }
    if (options_.engine == CaptureEngine::tcx) {
        return Error{
            fmt::format("cannot capture at the tcx hooks: {}; --capture=socket does without them",
                        hooks.error().message)};
    }
    use_sockets(hooks.error().message);
    return add_all();
}

// All interfaces are watched by hooks, or none: one ring keeps the order of time.
Result<void> LiveCapture::Engine::use_hooks() {
    if (options_.filter_connections == 0) {
        return Error{"they are of no use without the kernel filter, which is switched off"};
    }
    // Before the programs are loaded, which takes time, and which need not load where they are of
    // no use.
    if (const Result<void> known = TcxTap::known_to_kernel(); !known) {
        return known;
    }
    Result<std::unique_ptr<KernelFilter>> filter =
        KernelFilter::load(filter_options(options_, true));
    if (!filter) {
        return filter.error();
    }
    filter_ = std::move(filter).value();
    Result<std::unique_ptr<PacketRing>> ring = PacketRing::open(*filter_);
    Result<void> added = ring ? Result<void>() : Result<void>(ring.error());
    if (added) {
        ring_ = std::move(ring).value();
        added = add_all();
    }
    if (!added) {
        sources_.clear();
        interfaces_.clear();
        events_.clear();
        ids_.clear();
        ring_.reset();
        filter_.reset();
    }
    return added;
}

void LiveCapture::Engine::use_sockets(const std::string& why_not_hooks) {
    why_no_hooks_ = why_not_hooks;
    if (options_.filter_connections == 0) {
        return;
    }
    Result<std::unique_ptr<KernelFilter>> filter =
        KernelFilter::load(filter_options(options_, false));
    if (filter) {
        filter_ = std::move(filter).value();
        return;
    }
    why_no_filter_ = filter.error().message;
    notice_ =
        fmt::format("every TCP packet is looked at, which costs more, because {}", why_no_filter_);
}

std::string LiveCapture::Engine::description() const {
    if (ring_) {
        return "tcx hooks, with the kernel filter";
    }
    const std::string why =
        why_no_hooks_.empty() ? "" : fmt::format(" (no tcx hooks: {})", why_no_hooks_);
    if (filter_) {
        return fmt::format("packet socket{}, with the kernel filter", why);
    }
    if (!why_no_filter_.empty()) {
        return fmt::format("packet socket, with a classic filter only: {}", why_no_filter_);
    }
    return "packet socket, without a filter";
}

Result<void> LiveCapture::Engine::open_taps(Source& source, const Link* link) {
    if (link != nullptr && !link->up) {
        return Error{fmt::format(
            "interface {0} is down: bring it up with 'ip link set {0} up' and start again",
            link->name)};
    }
    // Its driver shows packets to packet sockets only (drivers/net/vrf.c). With `any` they are seen
    // at its ports.
    if (link != nullptr && link->kind == "vrf") {
        return Error{fmt::format("{} is a VRF, whose packets pass no hook", link->name)};
    }
    source.taps.clear();
    for (const Link& each : links_.links()) {
        if (link != nullptr && each.index != link->index) {
            continue;
        }
        Result<TcxTap> tap =
            TcxTap::attach(*filter_, each, options_.promiscuous && link != nullptr);
        if (!tap) {
            return tap.error();
        }
        source.taps.push_back(std::move(tap).value());
    }
    source.tapped = true;
    return {};
}

// With `any`, of an interface that appeared.
void LiveCapture::Engine::tap_new_interface(const Link& link) {
    for (Source& source : sources_) {
        const bool known =
            std::any_of(source.taps.begin(), source.taps.end(),
                        [&](const TcxTap& tap) { return tap.interface_index() == link.index; });
        if (!source.tapped || source.index != 0 || known) {
            continue;
        }
        Result<TcxTap> tap = TcxTap::attach(*filter_, link, false);
        if (tap) {
            source.taps.push_back(std::move(tap).value());
        } else {
            events_.push_back(
                {LiveEvent::Kind::refused, link.name,
                 fmt::format("interface {} is not watched: {}", link.name, tap.error().message)});
        }
    }
}

LiveCapture::Engine::Source* LiveCapture::Engine::source_of(unsigned interface_index) {
    const auto found = std::find_if(sources_.begin(), sources_.end(), [&](const Source& source) {
        return source.tapped && (source.index == interface_index || source.index == 0);
    });
    return found != sources_.end() ? &*found : nullptr;
}

std::size_t LiveCapture::Engine::deliver_from_ring(const FrameConsumer& consume) {
    last_batch_ = ring_->read(
        kBatchLimit, wall_clock_offset(),
        [&](std::span<const PacketRing::Packet> packets) { hand_over(packets, consume); });
    ring_is_empty_ = last_batch_ < kBatchLimit;
    return last_batch_;
}

void LiveCapture::Engine::hand_over(std::span<const PacketRing::Packet> packets,
                                    const FrameConsumer& consume) {
    static_assert(PacketRing::kBatch <= FrameBatch::kMost);
    std::array<Frame, PacketRing::kBatch> frames;
    FrameBatch batch;
    std::size_t count = 0;
    for (const PacketRing::Packet& packet : packets) {
        // Of an interface that was given up a moment ago there may be a few left.
        if (Source* source = source_of(packet.interface_index)) {
            Frame& frame = frames[count];
            frame = packet.frame;
            frame.interface =
                interface_of(*source, source->index == 0 ? packet.interface_index : 0);
            ++source->handed_over;
            batch.entered[count] = packet.entered;
            ++count;
        }
    }
    last_ring_time_ = packets.back().frame.time;
    if (count > 0) {
        batch.frames = std::span(frames).first(count);
        consume(batch);
    }
}

bool LiveCapture::Engine::rest_between_batches() {
    return ring_ && last_batch_ > 0 && last_batch_ < kSmallBatch && watch(kRest);
}

// By the present handle or taps.
std::uint64_t LiveCapture::Engine::dropped(Source& source) {
    if (source.handle) {
        return source.handle->dropped();
    }
    return source.index == 0 ? filter_->lost() : filter_->lost_of(source.index);
}

}  // namespace tcpeek
