#include "capture/live_handle.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <optional>
#include <utility>

#include "capture/socket_filter.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t bytes_per_megabyte = 1U << 20U;

// What a frame takes in the ring besides its bytes: the kernel's headers and gaps.
constexpr std::uint64_t ring_overhead = 100;
// The guess at a frame's length before any was seen.
constexpr std::uint64_t usual_frame = 128;

// libpcap's DLT_ numbers differ from the LINKTYPE_ numbers of capture files only where operating
// systems had given them different values, all of them below 104; of those, the ones that Linux
// interfaces have.
LinkType link_type_of(int dlt) {
    switch (dlt) {
        case DLT_ATM_RFC1483:
            return {100};
        case DLT_RAW:
            return {101};
        case DLT_SLIP_BSDOS:
            return {102};
        case DLT_PPP_BSDOS:
            return {103};
        case DLT_ATM_CLIP:
            return {106};
        default:
            return {static_cast<std::uint32_t>(dlt)};
    }
}

// SLL2 holds the interface's index in the octets 4 to 7 of its header.
unsigned sll2_interface_index(Bytes bytes) {
    ByteReader reader(bytes);
    reader.skip(4);
    return reader.u32();
}

// What packets begin with at the socket. libpcap opens a cooked one for link types it does not
// know and for `any`: there is no link header then.
std::optional<PacketStart> start_at_socket(int dlt) {
    switch (dlt) {
        case DLT_EN10MB:
            return PacketStart::ethernet;
        case DLT_RAW:
        case DLT_LINUX_SLL:
        case DLT_LINUX_SLL2:
            return PacketStart::network;
        default:
            return std::nullopt;
    }
}

std::string own_path() {
    std::array<char, PATH_MAX> path{};
    const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : "tcpeek";
}

Error activation_error(pcap_t* pcap, const std::string& name, int status) {
    if (status == PCAP_ERROR_PERM_DENIED || status == PCAP_ERROR_PROMISC_PERM_DENIED) {
        return Error{
            fmt::format("no permission to capture on {}: use sudo, or allow it once with "
                        "'sudo setcap cap_net_raw+ep {}'",
                        name, own_path())};
    }
    if (status == PCAP_ERROR_IFACE_NOT_UP) {
        return Error{fmt::format(
            "interface {0} is down: bring it up with 'ip link set {0} up' and start again", name)};
    }
    const char* detail = pcap_geterr(pcap);
    return Error{fmt::format("cannot capture on {}: {}", name,
                             *detail != '\0' ? detail : pcap_statustostr(status))};
}

}  // namespace

LiveHandle::LiveHandle(std::unique_ptr<pcap_t, Close> pcap, std::string name, bool carries_index,
                       std::uint64_t ring_size)
    : pcap_(std::move(pcap)),
      name_(std::move(name)),
      link_type_(link_type_of(pcap_datalink(pcap_.get()))),
      carries_index_(carries_index),
      ring_size_(ring_size),
      mean_length_(std::min<std::uint64_t>(static_cast<std::uint64_t>(pcap_snapshot(pcap_.get())),
                                           usual_frame)) {}

Result<LiveHandle> LiveHandle::open(const Link* link, const LiveOptions& options,
                                    const KernelFilter* filter) {
    const std::string name = link != nullptr ? link->name : any;
    std::array<char, PCAP_ERRBUF_SIZE> text{};
    std::unique_ptr<pcap_t, Close> pcap(pcap_create(name.c_str(), text.data()));
    if (!pcap) {
        return Error{fmt::format("cannot capture on {}: {}", name, text.data())};
    }
    if (options.buffer_megabytes > INT_MAX / bytes_per_megabyte) {
        return Error{fmt::format("a capture buffer of {} MB is too large: at most {} MB",
                                 options.buffer_megabytes, INT_MAX / bytes_per_megabyte)};
    }
    pcap_set_snaplen(pcap.get(), static_cast<int>(options.snapshot_length));
    pcap_set_buffer_size(pcap.get(),
                         static_cast<int>(options.buffer_megabytes * bytes_per_megabyte));
    pcap_set_timeout(pcap.get(), static_cast<int>(block_timeout.ns / 1'000'000));
    pcap_set_promisc(pcap.get(), options.promiscuous && link != nullptr ? 1 : 0);
    pcap_set_tstamp_precision(pcap.get(), PCAP_TSTAMP_PRECISION_NANO);
    const int status = pcap_activate(pcap.get());
    if (status < 0) {
        return activation_error(pcap.get(), name, status);
    }
    if (pcap_setnonblock(pcap.get(), 1, text.data()) != 0) {
        return Error{fmt::format("cannot capture on {}: {}", name, text.data())};
    }
    if (link == nullptr && pcap_set_datalink(pcap.get(), DLT_LINUX_SLL2) != 0) {
        return Error{fmt::format("cannot capture on {}: {}", name, pcap_geterr(pcap.get()))};
    }
    LiveHandle handle(std::move(pcap), name, link == nullptr,
                      std::uint64_t{options.buffer_megabytes} * bytes_per_megabyte);
    if (link == nullptr) {
        handle.tags_ = CookedTags::of(handle.descriptor());
    }
    SocketFilterPlan plan;
    plan.snapshot_length = static_cast<std::uint32_t>(pcap_snapshot(handle.pcap_.get()));
    plan.sees_loopback = link == nullptr || link->loopback;
    plan.start = start_at_socket(pcap_datalink(handle.pcap_.get()));
    plan.kernel_filter = filter;
    plan.classic = options.filter_connections > 0;
    attach_socket_filter(handle.descriptor(), plan);
    return handle;
}

int LiveHandle::descriptor() const {
    return pcap_get_selectable_fd(pcap_.get());
}

LiveInterface LiveHandle::description() const {
    const int dlt = pcap_datalink(pcap_.get());
    const char* name = pcap_datalink_val_to_name(dlt);
    const char* description = pcap_datalink_val_to_description(dlt);
    return {name_, name != nullptr ? name : fmt::format("{}", dlt),
            description != nullptr ? description : "unknown",
            static_cast<std::uint32_t>(pcap_snapshot(pcap_.get()))};
}

LiveFrame LiveHandle::convert(const pcap_pkthdr& header, const u_char* bytes) const {
    LiveFrame live;
    live.frame.bytes = Bytes(bytes, header.caplen);
    live.frame.original_length = header.len;
    // With nanosecond precision tv_usec holds nanoseconds.
    live.frame.time = Timestamp{} + Duration::seconds(header.ts.tv_sec) +
                      Duration::nanoseconds(header.ts.tv_usec);
    live.frame.link_type = link_type_;
    live.interface_index = carries_index_ ? sll2_interface_index(live.frame.bytes) : 0;
    return live;
}

LiveHandle::Outcome LiveHandle::next(LiveFrame& frame) {
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    const int status = pcap_next_ex(pcap_.get(), &header, &bytes);
    if (status < 0) {
        return Outcome::broken;
    }
    if (status == 0) {
        return Outcome::empty;
    }
    ++taken_;
    mean_length_ = (mean_length_ * 15 + header->caplen) / 16;
    frame = convert(*header, bytes);
    return Outcome::frames;
}

void LiveHandle::stop_receiving() {
    attach_filter_that_drops_all(descriptor());
}

// Asks the socket itself: pcap_stats also reads files below /sys for a promiscuous handle, which
// tell of another network namespace, and its counters have 32 bits only.
void LiveHandle::update_counts() {
    tpacket_stats_v3 counts{};
    socklen_t length = sizeof counts;
    if (::getsockopt(descriptor(), SOL_PACKET, PACKET_STATISTICS, &counts, &length) == 0) {
        // The kernel starts from 0 again after each call, and tp_packets includes tp_drops.
        put_into_ring_ += counts.tp_packets - counts.tp_drops;
        dropped_ += counts.tp_drops;
    }
}

std::uint64_t LiveHandle::outstanding() {
    update_counts();
    return put_into_ring_ > taken_ ? put_into_ring_ - taken_ : 0;
}

bool LiveHandle::crowded() {
    return outstanding() * (mean_length_ + ring_overhead) > ring_size_ / 2;
}

std::uint64_t LiveHandle::dropped() {
    update_counts();
    return dropped_;
}

void LiveHandle::clear_error() {
    int error = 0;
    socklen_t length = sizeof error;
    static_cast<void>(::getsockopt(descriptor(), SOL_SOCKET, SO_ERROR, &error, &length));
}

}  // namespace tcpeek
