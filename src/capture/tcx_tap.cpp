#include "capture/tcx_tap.h"

#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

namespace tcpeek {
namespace {

// From the kernel's include/uapi/linux/bpf.h of 6.6; Debian 12's headers are older.
constexpr int kBpfProgQuery = 16;
constexpr int kBpfLinkCreate = 28;
constexpr std::uint32_t kTcxIngress = 46;
constexpr std::uint32_t kTcxEgress = 47;
constexpr std::uint32_t kBefore = 1U << 3U;  // with no other program named: before all

// The part of union bpf_attr that BPF_LINK_CREATE reads for these hooks.
struct LinkCreate {
    std::uint32_t program = 0;
    std::uint32_t interface_index = 0;
    std::uint32_t hook = 0;
    std::uint32_t flags = 0;
    std::uint32_t relative = 0;
    std::uint32_t padding = 0;
    std::uint64_t expected_revision = 0;
};

// The part of union bpf_attr that BPF_PROG_QUERY reads and writes.
struct ProgramQuery {
    std::uint32_t interface_index = 0;
    std::uint32_t hook = 0;
    std::uint32_t flags = 0;
    std::uint32_t attach_flags = 0;
    std::uint64_t programs = 0;
    std::uint32_t count = 0;
    std::uint32_t padding = 0;
    std::uint64_t program_flags = 0;
    std::uint64_t links = 0;
    std::uint64_t link_flags = 0;
    std::uint64_t revision = 0;
};

constexpr std::uint32_t kLoopbackIndex = 1;  // in every network namespace (LOOPBACK_IFINDEX)
constexpr const char* kNoHooks = "the kernel has no tcx hooks (Linux 6.6 has)";

UniqueFd attach_at(int program, unsigned interface_index, std::uint32_t hook) {
    LinkCreate request;
    request.program = static_cast<std::uint32_t>(program);
    request.interface_index = interface_index;
    request.hook = hook;
    request.flags = kBefore;
    return UniqueFd(static_cast<int>(::syscall(SYS_bpf, kBpfLinkCreate, &request, sizeof request)));
}

// What the packets of an interface begin with at its hooks, by its hardware type (if_arp.h).
std::optional<PacketStart> start_of(const Link& link) {
    switch (link.hardware_type) {
        case ARPHRD_ETHER:
        case ARPHRD_LOOPBACK:
            return PacketStart::ethernet;
        case ARPHRD_NONE:  // tun, WireGuard
        case ARPHRD_TUNNEL:
        case ARPHRD_TUNNEL6:
        case ARPHRD_SIT:
            return PacketStart::network;
        default:
            return std::nullopt;
    }
}

Error attach_error(const Link& link, int error) {
    switch (error) {
        case EPERM:
        case EACCES:
            return Error{fmt::format(
                "there is no right to attach to {} (CAP_BPF and CAP_NET_ADMIN)", link.name)};
        case EINVAL:
            return Error{kNoHooks};
        default:
            return Error{fmt::format("the hooks of {} cannot be taken: {}", link.name,
                                     std::strerror(error))};
    }
}

// The interface stays in promiscuous mode as long as this socket lives. It receives nothing: its
// protocol is 0.
UniqueFd make_promiscuous(unsigned interface_index) {
    UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    packet_mreq membership{};
    membership.mr_ifindex = static_cast<int>(interface_index);
    membership.mr_type = PACKET_MR_PROMISC;
    if (socket.valid() && ::setsockopt(socket.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership,
                                       sizeof membership) != 0) {
        socket.reset();
    }
    return socket;
}

}  // namespace

// It knows the hook's number before anything else of the question; all else is for `attach` to say.
Result<void> TcxTap::known_to_kernel() {
    ProgramQuery query;
    query.interface_index = kLoopbackIndex;
    query.hook = kTcxIngress;
    if (::syscall(SYS_bpf, kBpfProgQuery, &query, sizeof query) != 0 && errno == EINVAL) {
        return Error{kNoHooks};
    }
    return {};
}

Result<TcxTap> TcxTap::attach(const KernelFilter& filter, const Link& link, bool promiscuous) {
    const std::optional<PacketStart> start = start_of(link);
    if (!start) {
        return Error{
            fmt::format("the link type of {} is not one that the hooks' programs know", link.name)};
    }
    TcxTap tap(link.index, *start);
    tap.ingress_ =
        attach_at(filter.hook_program(PacketSide::ingress, *start), link.index, kTcxIngress);
    if (!tap.ingress_.valid()) {
        return attach_error(link, errno);
    }
    if (!link.loopback) {
        tap.egress_ =
            attach_at(filter.hook_program(PacketSide::egress, *start), link.index, kTcxEgress);
        if (!tap.egress_.valid()) {
            return attach_error(link, errno);
        }
    }
    if (promiscuous) {
        tap.promiscuous_ = make_promiscuous(link.index);
        if (!tap.promiscuous_.valid()) {
            return Error{fmt::format("{} cannot be set to promiscuous mode: {}", link.name,
                                     std::strerror(errno))};
        }
    }
    return tap;
}

}  // namespace tcpeek
