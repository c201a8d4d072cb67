// Helpers for tests that need a network of their own: a fresh network namespace with real
// interfaces, and raw frames sent through them.
#pragma once

#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <thread>

#include "base/unique_fd.h"

namespace tcpeek::testing {

// Why this machine or user cannot make network namespaces; nothing where they can.
inline std::optional<std::string> namespaces_missing() {
    if (::geteuid() != 0) {
        return "needs root, to make a network namespace";
    }
    if (std::system("command -v ip >/dev/null 2>&1") != 0) {
        return "needs the program ip (iproute2)";
    }
    int error = 0;
    std::thread([&error] { error = ::unshare(CLONE_NEWNET) == 0 ? 0 : errno; }).join();
    if (error != 0) {
        return std::string("cannot make a network namespace: ") + std::strerror(error);
    }
    return std::nullopt;
}

// Runs `body` in a thread that has a network namespace of its own (they belong to threads), whose
// loopback interface is up and whose other interfaces will stay silent by themselves.
inline void in_network_namespace(const std::function<void()>& body) {
    std::thread([&body] {
        ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
        ASSERT_EQ(std::system("echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6; "
                              "ip link set lo up"),
                  0);
        body();
    }).join();
}

inline void run(const std::string& command) {
    ASSERT_EQ(std::system(command.c_str()), 0) << command;
}

// Sends the frame of `payload_length` octets of a number in an experimental Ethernet type.
class FrameSender {
  public:
    static constexpr std::uint16_t ether_type = 0x88b5;

    explicit FrameSender(const std::string& interface)
        : socket_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)),
          index_(static_cast<int>(::if_nametoindex(interface.c_str()))) {}

    bool send(std::uint32_t number, std::size_t payload_length = 50) {
        std::array<std::uint8_t, 1514> frame{};
        frame.fill(0);
        frame[5] = 2;   // to 00:00:00:00:00:02
        frame[11] = 1;  // from 00:00:00:00:00:01
        frame[12] = ether_type >> 8U;
        frame[13] = ether_type & 0xffU;
        for (std::size_t i = 0; i < 4; ++i) {
            frame[14 + i] = static_cast<std::uint8_t>(number >> (24U - 8U * i));
        }
        sockaddr_ll to{};
        to.sll_family = AF_PACKET;
        to.sll_ifindex = index_;
        sockaddr_storage generic{};
        std::memcpy(&generic, &to, sizeof to);
        const auto* address = static_cast<const sockaddr*>(static_cast<const void*>(&generic));
        const std::size_t length = 14 + payload_length;
        return ::sendto(socket_.get(), frame.data(), length, 0, address, sizeof to) ==
               static_cast<ssize_t>(length);
    }

  private:
    UniqueFd socket_;
    int index_;
};

}  // namespace tcpeek::testing
