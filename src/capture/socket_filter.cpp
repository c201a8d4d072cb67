#include "capture/socket_filter.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <pcap/pcap.h>
#include <sys/socket.h>

#include <memory>
#include <vector>

namespace tcpeek {
namespace {

using Program = std::vector<sock_filter>;

constexpr std::uint32_t kLoopbackIndex = 1;  // in every network namespace (LOOPBACK_IFINDEX)

// UDP of no tunnel that is looked into. The ports are those of src/dissect/udp_ports.cpp; the rest
// (ICMP, tags, fragments, extension headers) passes.
constexpr const char* kExpression =
    "not (ip proto 17 or ip6[6] = 17) or port 2152 or port 3544 or dst port 4754 or "
    "dst port 4789 or dst port 4790 or dst port 6081";

sock_filter statement(unsigned code, std::uint32_t value) {
    return {static_cast<std::uint16_t>(code), 0, 0, value};
}

// What the kernel knows of a packet beside its octets.
std::uint32_t ancillary(int offset) {
    return static_cast<std::uint32_t>(SKF_AD_OFF + offset);
}

void append(Program& program, std::initializer_list<sock_filter> more) {
    program.insert(program.end(), more);
}

void leave_out_outgoing_on_loopback(Program& program) {
    append(program, {
                        statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_IFINDEX)),
                        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 3, kLoopbackIndex},
                        statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PKTTYPE)),
                        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 0, 1, PACKET_OUTGOING},
                        statement(BPF_RET | BPF_K, 0),
                    });
}

// Octets that do not begin with a link header: what is not IP is not for a program that expects it.
void take_what_is_not_ip(Program& program, std::uint32_t snapshot_length) {
    append(program, {
                        statement(BPF_LD | BPF_W | BPF_ABS, ancillary(SKF_AD_PROTOCOL)),
                        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 2, 0, ETH_P_IP},
                        sock_filter{BPF_JMP | BPF_JEQ | BPF_K, 1, 0, ETH_P_IPV6},
                        statement(BPF_RET | BPF_K, snapshot_length),
                    });
}

struct Close {
    void operator()(pcap_t* pcap) const { pcap_close(pcap); }
};

// False where libpcap does not compile it.
bool append_expression(Program& program, PacketStart start, std::uint32_t snapshot_length) {
    const std::unique_ptr<pcap_t, Close> dead(pcap_open_dead(
        start == PacketStart::ethernet ? DLT_EN10MB : DLT_RAW, static_cast<int>(snapshot_length)));
    bpf_program compiled{};
    if (!dead || pcap_compile(dead.get(), &compiled, kExpression, 1, PCAP_NETMASK_UNKNOWN) != 0) {
        return false;
    }
    if (start == PacketStart::network) {
        take_what_is_not_ip(program, snapshot_length);
    }
    for (unsigned i = 0; i < compiled.bf_len; ++i) {
        const bpf_insn& instruction = compiled.bf_insns[i];
        program.push_back({instruction.code, instruction.jt, instruction.jf, instruction.k});
    }
    pcap_freecode(&compiled);
    return true;
}

bool attach(int socket, Program& program) {
    sock_fprog filter{};
    filter.len = static_cast<unsigned short>(program.size());
    filter.filter = program.data();
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

bool attach_kernel_filter(int socket, const SocketFilterPlan& plan) {
    if (plan.kernel_filter == nullptr || !plan.start) {
        return false;
    }
    const int program = plan.kernel_filter->socket_program(*plan.start);
    return ::setsockopt(socket, SOL_SOCKET, SO_ATTACH_BPF, &program, sizeof program) == 0;
}

}  // namespace

void attach_socket_filter(int socket, const SocketFilterPlan& plan) {
    if (attach_kernel_filter(socket, plan)) {
        return;
    }
    Program beginning;
    if (plan.sees_loopback) {
        leave_out_outgoing_on_loopback(beginning);
    }
    Program whole = beginning;
    if (plan.classic && plan.start && append_expression(whole, *plan.start, plan.snapshot_length) &&
        attach(socket, whole)) {
        return;
    }
    append(beginning, {statement(BPF_RET | BPF_K, plan.snapshot_length)});
    static_cast<void>(attach(socket, beginning));
}

void attach_filter_that_drops_all(int socket) {
    Program nothing{statement(BPF_RET | BPF_K, 0)};
    static_cast<void>(attach(socket, nothing));
}

}  // namespace tcpeek
