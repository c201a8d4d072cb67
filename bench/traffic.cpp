// Traffic for the live benchmarks, as fast as this machine makes it or at a given rate. Usage:
//   bench_traffic serve PORT                            accepts and closes, until it is killed
//   bench_traffic connect COUNT RATE FIRST_ADDRESS ADDRESSES PORT
//                                                       opens and closes connections in turn
//   bench_traffic flood COUNT RATE INTERFACE MAC ADDRESS PORT
//                                                       SYNs from as many sources
// RATE is a second; 0: as fast as possible. What was done is said at the end: count and seconds.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace {

using tcpeek::UniqueFd;
using SteadyClock = std::chrono::steady_clock;

constexpr unsigned kBatch = 64;
constexpr std::size_t kFrame = 14 + 20 + 20;
constexpr std::uint32_t kFirstSource = 0x64400000;  // 100.64.0.0, of which all are used (RFC 6598)
constexpr std::uint32_t kSources = 1U << 22U;

std::uint32_t number(std::string_view text) {
    std::uint32_t value = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(text.data(), end, value).ptr != end || text.empty()) {
        fmt::print(stderr, "bench_traffic: {} is no number\n", text);
        std::exit(2);
    }
    return value;
}

[[noreturn]] void fail(std::string_view what) {
    fmt::print(stderr, "bench_traffic: {}: {}\n", what, std::strerror(errno));
    std::exit(1);
}

std::uint32_t address(const char* text) {
    in_addr parsed{};
    if (::inet_pton(AF_INET, text, &parsed) != 1) {
        fmt::print(stderr, "bench_traffic: {} is no IPv4 address\n", text);
        std::exit(2);
    }
    return ntohl(parsed.s_addr);
}

sockaddr_in endpoint(std::uint32_t host, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(host);
    to.sin_port = htons(port);
    return to;
}

// Lets `done` of what is to be done pass, no faster than the rate.
class Pace {
  public:
    explicit Pace(std::uint32_t rate) : rate_(rate) {}

    void keep(std::uint32_t done) const {
        if (rate_ > 0) {
            std::this_thread::sleep_until(begun_ + std::chrono::duration<double>(done) / rate_);
        }
    }
    [[nodiscard]] double seconds() const {
        return std::chrono::duration<double>(SteadyClock::now() - begun_).count();
    }

  private:
    std::uint32_t rate_;
    std::chrono::time_point<SteadyClock, std::chrono::duration<double>> begun_ = SteadyClock::now();
};

int serve(std::uint16_t port) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const int on = 1;
    const sockaddr_in any = endpoint(INADDR_ANY, port);
    if (::setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        ::bind(listener.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::listen(listener.get(), 4'096) != 0) {
        fail("listen");
    }
    for (;;) {
        const UniqueFd peer(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    }
}

int connect(std::uint32_t count, std::uint32_t rate, std::uint32_t first, std::uint32_t addresses,
            std::uint16_t port) {
    const Pace pace(rate);
    for (std::uint32_t i = 0; i < count; ++i) {
        pace.keep(i);
        const UniqueFd peer(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const sockaddr_in to = endpoint(first + i % addresses, port);
        if (::connect(peer.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            fail("connect");
        }
    }
    fmt::print("{} {:.3f}\n", count, pace.seconds());
    return 0;
}

void put(std::uint8_t* at, std::uint32_t value, unsigned octets) {
    while (octets-- > 0) {
        *at++ = static_cast<std::uint8_t>(value >> 8U * octets);
    }
}

// The Internet checksum (RFC 1071) of whole words, begun with `sum`.
std::uint16_t checksum(const std::uint8_t* at, std::size_t octets, std::uint32_t sum) {
    for (std::size_t i = 0; i < octets; i += 2) {
        sum += static_cast<std::uint32_t>(at[i] << 8U | at[i + 1]);
    }
    while (sum > 0xffff) {
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

void write_syn(std::uint8_t* frame, std::uint32_t source, std::uint32_t destination,
               std::uint16_t port, std::uint32_t isn) {
    std::uint8_t* ip = frame + 14;
    std::uint8_t* tcp = ip + 20;
    put(ip, 0x45000028, 4);
    put(ip + 4, 0x00004000, 4);
    put(ip + 8, 0x40060000, 4);
    put(ip + 12, source, 4);
    put(ip + 16, destination, 4);
    put(ip + 10, checksum(ip, 20, 0), 2);
    put(tcp, 1'024 + isn % 60'000, 2);
    put(tcp + 2, port, 2);
    put(tcp + 4, isn, 4);
    put(tcp + 8, 0, 4);
    put(tcp + 12, 0x5002ffff, 4);
    put(tcp + 16, 0, 4);
    put(tcp + 16, checksum(ip + 12, 28, 6 + 20), 2);
}

int flood(std::uint32_t count, std::uint32_t rate, const char* interface, const char* mac,
          std::uint32_t destination, std::uint16_t port) {
    const UniqueFd wire(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(::if_nametoindex(interface));
    if (::bind(wire.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
        fail(interface);
    }
    std::array<std::array<std::uint8_t, kFrame>, kBatch> frames{};
    std::array<iovec, kBatch> parts{};
    std::array<mmsghdr, kBatch> messages{};
    for (unsigned i = 0; i < kBatch; ++i) {
        for (unsigned octet = 0; octet < 6; ++octet) {
            frames[i][octet] = static_cast<std::uint8_t>(std::stoul(mac + 3 * octet, nullptr, 16));
        }
        put(frames[i].data() + 12, ETHERTYPE_IP, 2);
        parts[i] = {frames[i].data(), kFrame};
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    const Pace pace(rate);
    std::uint32_t sent = 0;
    while (sent < count) {
        pace.keep(sent);
        const unsigned batch = std::min(kBatch, count - sent);
        for (unsigned i = 0; i < batch; ++i) {
            const std::uint32_t n = sent + i;
            write_syn(frames[i].data(), kFirstSource + n % kSources, destination, port, n);
        }
        const int done = ::sendmmsg(wire.get(), messages.data(), batch, 0);
        if (done < 0 && errno != ENOBUFS) {
            fail("sendmmsg");
        }
        sent += static_cast<std::uint32_t>(std::max(done, 0));
    }
    fmt::print("{} {:.3f}\n", sent, pace.seconds());
    return 0;
}

std::uint16_t port_of(const char* text) {
    return static_cast<std::uint16_t>(number(text));
}

}  // namespace

int main(int argc, char** argv) {
    const std::string_view command = argc > 1 ? argv[1] : "";
    if (command == "serve" && argc == 3) {
        return serve(port_of(argv[2]));
    }
    if (command == "connect" && argc == 7) {
        return connect(number(argv[2]), number(argv[3]), address(argv[4]), number(argv[5]),
                       port_of(argv[6]));
    }
    if (command == "flood" && argc == 8 && std::string_view(argv[5]).size() == 17) {
        return flood(number(argv[2]), number(argv[3]), argv[4], argv[5], address(argv[6]),
                     port_of(argv[7]));
    }
    fmt::print(
        stderr,
        "usage: bench_traffic serve PORT | connect COUNT RATE FIRST_ADDRESS ADDRESSES PORT | "
        "flood COUNT RATE INTERFACE MAC ADDRESS PORT\n");
    return 2;
}
