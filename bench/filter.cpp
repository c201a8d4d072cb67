// What the kernel filter's program at a hook costs a packet of an established connection, above an
// empty program: the kernel runs both on the same octets many times, in turn, without counting each
// run. Usage: bench_filter; needs root.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "capture/kernel_filter.h"

namespace tcpeek {
namespace {

constexpr int kPairs = 15;
constexpr int kRuns = 1'000'000;
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kPacket = 1'514;
constexpr std::array<std::uint32_t, 2> kPending{100'000, 1'000'000};
constexpr double kAim = 60;

using Octets = std::vector<std::uint8_t>;

// An ACK with data; ports 40000 and 5201, numbers of no matter.
void put_tcp(Octets& packet, std::size_t at) {
    constexpr std::array<std::uint8_t, 14> kHeader{0x9c, 0x40, 0x14, 0x51, 0, 0,    3,
                                                   0xe8, 0,    0,    7,    1, 0x50, 0x10};
    std::copy(kHeader.begin(), kHeader.end(), packet.begin() + static_cast<std::ptrdiff_t>(at));
}

void put_length(Octets& packet, std::size_t at, std::size_t length) {
    packet[at] = static_cast<std::uint8_t>(length >> 8U);
    packet[at + 1] = static_cast<std::uint8_t>(length & 0xffU);
}

Octets ipv4_packet(std::size_t ip = kEthernetHeader) {
    Octets packet(kPacket);
    put_length(packet, ip - 2, 0x0800);
    packet[ip] = 0x45;
    put_length(packet, ip + 2, kPacket - ip);
    packet[ip + 9] = 6;
    packet[ip + 12] = packet[ip + 16] = 10;
    packet[ip + 15] = 1;
    packet[ip + 19] = 2;
    put_tcp(packet, ip + 20);
    return packet;
}

Octets ipv6_packet() {
    Octets packet(kPacket);
    constexpr std::size_t kIp = kEthernetHeader;
    put_length(packet, kIp - 2, 0x86dd);
    packet[kIp] = 0x60;
    put_length(packet, kIp + 4, kPacket - kIp - 40);
    packet[kIp + 6] = 6;
    packet[kIp + 8] = packet[kIp + 24] = 0xfd;
    packet[kIp + 23] = 1;
    packet[kIp + 39] = 2;
    put_tcp(packet, kIp + 40);
    return packet;
}

// The same connection behind a VLAN tag that stands in the packet: the long way.
Octets tagged_packet() {
    Octets packet = ipv4_packet(kEthernetHeader + 4);
    put_length(packet, kEthernetHeader - 2, 0x8100);
    return packet;
}

UniqueFd load_empty_program() {
    const std::array<bpf_insn, 2> returns{
        {{BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, -1}, {BPF_JMP | BPF_EXIT, 0, 0, 0, 0}}};
    return UniqueFd(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "empty", "GPL", returns.data(),
                                  returns.size(), nullptr));
}

// Nanoseconds a run, whole ones; negative: the kernel does not want to.
double time_of(int program, const Octets& packet) {
    LIBBPF_OPTS(bpf_test_run_opts, run);
    run.data_in = packet.data();
    run.data_size_in = static_cast<std::uint32_t>(packet.size());
    run.repeat = kRuns;
    return bpf_prog_test_run_opts(program, &run) == 0 ? static_cast<double>(run.duration) : -1;
}

bool measure(std::string_view what, int empty, int filter, const Octets& packet) {
    std::vector<double> above;
    std::vector<double> base;
    time_of(filter, packet);
    for (int pair = 0; pair < kPairs; ++pair) {
        base.push_back(time_of(empty, packet));
        const double whole = time_of(filter, packet);
        if (base.back() < 0 || whole < 0) {
            fmt::print(stderr, "bench_filter: the kernel does not run the programs\n");
            return false;
        }
        above.push_back(whole - base.back());
    }
    std::sort(above.begin(), above.end());
    std::sort(base.begin(), base.end());
    fmt::print(
        "filter at a hook     {:<32} {:.0f} ns ({:.0f} to {:.0f}) above the {:.0f} ns of an "
        "empty program (aim <= {:.0f})\n",
        what, above[kPairs / 2], above.front(), above.back(), base[kPairs / 2], kAim);
    return true;
}

// The n-th of many connections that the packets do not belong to.
void enter_stranger(KernelFilter& filter, std::uint32_t n) {
    const IpAddress client = *IpAddress::parse("192.0.2.1");
    const IpAddress server = *IpAddress::parse(fmt::format("198.51.100.{}", n >> 16U));
    filter.enter(
        ConnectionKey::of(Endpoint{client, static_cast<std::uint16_t>(n)}, Endpoint{server, 443}),
        SeqNumber{n});
}

int run() {
    KernelFilterOptions options;
    options.judges_all = true;
    options.snapshot_length = 128;
    options.connections = 2 * kPending.back();
    options.ring_octets = 1U << 20U;
    const Result<std::unique_ptr<KernelFilter>> filter = KernelFilter::load(options);
    const UniqueFd empty = load_empty_program();
    if (!filter || empty.get() < 0) {
        fmt::print("filter at a hook     not measured: {}\n",
                   filter ? "no right to load programs into the kernel" : filter.error().message);
        return 0;
    }
    const int program = filter.value()->hook_program(PacketSide::ingress, PacketStart::ethernet);
    bool good = measure("IPv4", empty.get(), program, ipv4_packet()) &&
                measure("IPv6", empty.get(), program, ipv6_packet()) &&
                measure("IPv4 behind a VLAN tag", empty.get(), program, tagged_packet());
    std::uint32_t entered = 0;
    for (const std::uint32_t pending : kPending) {
        for (; entered < pending; ++entered) {
            enter_stranger(*filter.value(), entered);
        }
        good = good && measure(fmt::format("IPv4, {} others pending", pending), empty.get(),
                               program, ipv4_packet());
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace tcpeek

int main() {
    return tcpeek::run();
}
