#include "capture/local_routes.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>

#include "network_namespace.h"

namespace tcpeek {
namespace {

using testing::in_network_namespace;
using testing::namespaces_missing;
using testing::run;

bool holds(const LocalRoutes& routes, const char* network) {
    const std::optional<IpNetwork> wanted = IpNetwork::parse(network);
    return wanted && std::find(routes.networks().begin(), routes.networks().end(), *wanted) !=
                         routes.networks().end();
}

bool changed(LocalRoutes& routes) {
    const Result<bool> refreshed = routes.refresh();
    EXPECT_TRUE(refreshed.ok());
    return refreshed.ok() && refreshed.value();
}

// Refreshes at each message until `network` is there or gone, for about a second at most: IPv6
// routes follow their address a little later.
void wait_for(LocalRoutes& routes, const char* network, bool present) {
    for (int message = 0; message < 20 && holds(routes, network) != present; ++message) {
        pollfd readable{routes.descriptor(), POLLIN, 0};
        if (::poll(&readable, 1, 1000) != 1) {
            return;
        }
        const std::vector<IpNetwork> before = routes.networks();
        const bool differ = changed(routes);
        EXPECT_EQ(differ, before != routes.networks());
    }
}

TEST(LocalRoutes, AreSortedWithoutRepetition) {
    const Result<LocalRoutes> routes = LocalRoutes::open();
    ASSERT_TRUE(routes.ok()) << routes.error().message;
    EXPECT_GE(routes.value().descriptor(), 0);
    const auto& networks = routes.value().networks();
    EXPECT_TRUE(std::is_sorted(networks.begin(), networks.end()));
    EXPECT_EQ(std::adjacent_find(networks.begin(), networks.end()), networks.end());
}

TEST(LocalRoutes, FollowAddressesAndRoutes) {
    if (const auto why = namespaces_missing()) {
        GTEST_SKIP() << *why;
    }
    in_network_namespace([] {
        run("echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6;"
            "echo 0 >/proc/sys/net/ipv6/conf/default/disable_ipv6;"
            "ip link add v0 type veth peer name v1");
        Result<LocalRoutes> opened = LocalRoutes::open();
        ASSERT_TRUE(opened.ok()) << opened.error().message;
        LocalRoutes& routes = opened.value();
        EXPECT_TRUE(holds(routes, "127.0.0.0/8"));
        EXPECT_TRUE(holds(routes, "127.0.0.1"));
        EXPECT_FALSE(changed(routes));

        struct Step {
            const char* command;
            const char* network;
            bool present;
        };
        const Step steps[] = {
            {"ip addr add 192.0.2.1/24 dev v0 && ip link set v0 up", "192.0.2.1", true},
            {"ip -6 addr add 2001:db8::1/64 dev v0 nodad", "2001:db8::1", true},
            {"ip addr add 198.51.100.7/32 dev lo", "198.51.100.7", true},
            {"ip route add local 203.0.113.0/24 dev lo", "203.0.113.0/24", true},
            {"ip -6 route add local 2001:db8:1::/48 dev lo", "2001:db8:1::/48", true},
            {"ip route add local 10.9.0.0/16 dev lo table 77", "10.9.0.0/16", true},
            {"ip route add local default dev lo table 78", "0.0.0.0/0", true},
            {"ip route del local default dev lo table 78", "0.0.0.0/0", false},
            {"ip route del local 203.0.113.0/24 dev lo", "203.0.113.0/24", false},
            {"ip addr del 198.51.100.7/32 dev lo", "198.51.100.7", false},
            {"ip link del v0", "192.0.2.1", false},
        };
        for (const Step& step : steps) {
            SCOPED_TRACE(step.command);
            ASSERT_NE(holds(routes, step.network), step.present);
            run(step.command);
            wait_for(routes, step.network, step.present);
            EXPECT_EQ(holds(routes, step.network), step.present);
        }
        EXPECT_FALSE(holds(routes, "2001:db8::1"));
        EXPECT_TRUE(holds(routes, "10.9.0.0/16"));
    });
}

TEST(LocalRoutes, LeaveOutOtherTypesAndOtherRoutes) {
    if (const auto why = namespaces_missing()) {
        GTEST_SKIP() << *why;
    }
    in_network_namespace([] {
        run("ip link add v0 type veth peer name v1;"
            "ip addr add 192.0.2.1/24 dev v0 && ip link set v0 up && ip link set v1 up");
        Result<LocalRoutes> routes = LocalRoutes::open();
        ASSERT_TRUE(routes.ok()) << routes.error().message;
        EXPECT_TRUE(holds(routes.value(), "192.0.2.1"));
        EXPECT_FALSE(holds(routes.value(), "192.0.2.255"));   // broadcast
        EXPECT_FALSE(holds(routes.value(), "192.0.2.0/24"));  // unicast
        run("ip route add 198.51.100.0/24 dev v0");
        EXPECT_FALSE(changed(routes.value()));
    });
}

TEST(LocalRoutes, ReadAllAgainAfterLostMessages) {
    if (const auto why = namespaces_missing()) {
        GTEST_SKIP() << *why;
    }
    in_network_namespace([] {
        Result<LocalRoutes> routes = LocalRoutes::open();
        ASSERT_TRUE(routes.ok()) << routes.error().message;
        const int tiny = 1;
        ASSERT_EQ(
            ::setsockopt(routes.value().descriptor(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof tiny),
            0);
        run("for i in $(seq 1 40); do echo addr add 10.1.0.$i/32 dev lo; done | ip -batch -");
        EXPECT_TRUE(changed(routes.value()));
        EXPECT_TRUE(holds(routes.value(), "10.1.0.1"));
        EXPECT_TRUE(holds(routes.value(), "10.1.0.40"));
        EXPECT_FALSE(changed(routes.value()));
    });
}

}  // namespace
}  // namespace tcpeek
