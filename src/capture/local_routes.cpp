#include "capture/local_routes.h"

#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "capture/netlink.h"

namespace tcpeek {
namespace {

// A dump during which something changed is repeated; on a host whose routes never rest, the last
// answer has to do until the next message.
constexpr int dump_attempts = 5;

template <std::size_t Size>
std::span<const std::uint8_t, Size> payload(const nlattr& attribute) {
    return std::span<const std::uint8_t, Size>(
        static_cast<const std::uint8_t*>(mnl_attr_get_payload(&attribute)), Size);
}

std::optional<IpAddress> address_of(const nlattr& attribute, std::uint8_t family) {
    const std::size_t length = mnl_attr_get_payload_len(&attribute);
    if (family == AF_INET && length == 4) {
        return IpAddress::v4(payload<4>(attribute));
    }
    if (family == AF_INET6 && length == 16) {
        return IpAddress::v6(payload<16>(attribute));
    }
    return std::nullopt;
}

const rtmsg* route_header(const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWROUTE && message.nlmsg_type != RTM_DELROUTE) {
        return nullptr;
    }
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(rtmsg)) {
        return nullptr;
    }
    return static_cast<const rtmsg*>(mnl_nlmsg_get_payload(&message));
}

// The destination of a route of type local; anycast and broadcast routes are of other types.
std::optional<IpNetwork> local_network(const nlmsghdr& message) {
    const rtmsg* route = route_header(message);
    if (route == nullptr || route->rtm_type != RTN_LOCAL) {
        return std::nullopt;
    }
    std::optional<IpAddress> destination;
    netlink::for_each_attribute(message, sizeof(rtmsg), [&](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == RTA_DST) {
            destination = address_of(attribute, route->rtm_family);
        }
    });
    if (!destination && route->rtm_dst_len == 0) {
        // A route for everything (`ip route add local default dev lo`) has no destination.
        destination = IpAddress::parse(route->rtm_family == AF_INET ? "0.0.0.0" : "::");
    }
    if (!destination || route->rtm_dst_len > destination->bit_width()) {
        return std::nullopt;
    }
    return IpNetwork(*destination, route->rtm_dst_len);
}

Result<netlink::DumpEnd> append_family(std::uint8_t family, std::vector<IpNetwork>& networks) {
    netlink::Request<rtmsg> request;
    request.type = RTM_GETROUTE;
    request.header.rtm_family = family;
    request.header.rtm_type = RTN_LOCAL;
    return netlink::dump(request, [&networks](const nlmsghdr& message) {
        if (const std::optional<IpNetwork> network = local_network(message)) {
            networks.push_back(*network);
        }
    });
}

Result<std::vector<IpNetwork>> dump_networks() {
    std::vector<IpNetwork> networks;
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
        networks.clear();
        bool complete = true;
        for (const std::uint8_t family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}}) {
            const Result<netlink::DumpEnd> end = append_family(family, networks);
            if (!end) {
                return end.error();
            }
            complete = complete && end.value() == netlink::DumpEnd::complete;
        }
        if (complete) {
            break;
        }
    }
    std::sort(networks.begin(), networks.end());
    networks.erase(std::unique(networks.begin(), networks.end()), networks.end());
    return networks;
}

// Routes that go together with their address or interface may be removed without a message of
// their own, so that messages about addresses count, too, and those about interfaces that went.
bool concerns_local_routes(const nlmsghdr& message) {
    if (const rtmsg* route = route_header(message)) {
        return route->rtm_type == RTN_LOCAL;
    }
    if (message.nlmsg_type == RTM_NEWLINK &&
        mnl_nlmsg_get_payload_len(&message) >= sizeof(ifinfomsg)) {
        const auto* link = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
        return (link->ifi_flags & IFF_UP) == 0;
    }
    return true;
}

}  // namespace

Result<LocalRoutes> LocalRoutes::open() {
    Result<UniqueFd> subscription =
        netlink::subscribe({RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR,
                            RTNLGRP_IPV6_IFADDR, RTNLGRP_LINK});
    if (!subscription) {
        return subscription.error();
    }
    Result<std::vector<IpNetwork>> networks = dump_networks();
    if (!networks) {
        return networks.error();
    }
    LocalRoutes routes;
    routes.subscription_ = std::move(subscription).value();
    routes.networks_ = std::move(networks).value();
    return routes;
}

Result<bool> LocalRoutes::refresh() {
    bool concerned = false;
    const Result<netlink::News> news =
        netlink::receive(subscription_.get(), [&concerned](const nlmsghdr& message) {
            concerned = concerned || concerns_local_routes(message);
        });
    if (!news) {
        return news.error();
    }
    if (!concerned && news.value() != netlink::News::lost) {
        return false;
    }
    Result<std::vector<IpNetwork>> networks = dump_networks();
    if (!networks) {
        return networks.error();
    }
    if (networks.value() == networks_) {
        return false;
    }
    networks_ = std::move(networks).value();
    return true;
}

}  // namespace tcpeek
