#include "capture/live_links.h"

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "capture/netlink.h"

namespace tcpeek {
namespace {

constexpr int dump_attempts = 5;

struct LinkNews {
    Link link;
    bool exists = false;
};

std::string text(const nlattr& attribute) {
    const char* begin = mnl_attr_get_str(&attribute);
    return {begin, ::strnlen(begin, mnl_attr_get_payload_len(&attribute))};
}

std::optional<LinkNews> parse_link(const nlmsghdr& message) {
    if (message.nlmsg_type != RTM_NEWLINK && message.nlmsg_type != RTM_DELLINK) {
        return std::nullopt;
    }
    if (mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg)) {
        return std::nullopt;
    }
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
    if (header->ifi_family != AF_UNSPEC) {
        // A bridge port or an IPv6 setting changed; a port that leaves its bridge comes as
        // RTM_DELLINK of family AF_BRIDGE, though the interface stays.
        return std::nullopt;
    }
    LinkNews news;
    news.exists = message.nlmsg_type == RTM_NEWLINK;
    news.link.index = static_cast<unsigned>(header->ifi_index);
    news.link.up = (header->ifi_flags & IFF_UP) != 0;
    news.link.running = (header->ifi_flags & IFF_RUNNING) != 0;
    news.link.loopback = (header->ifi_flags & IFF_LOOPBACK) != 0;
    news.link.hardware_type = header->ifi_type;
    netlink::for_each_attribute(message, sizeof(ifinfomsg), [&news](const nlattr& attribute) {
        if (mnl_attr_get_type(&attribute) == IFLA_IFNAME) {
            news.link.name = text(attribute);
        } else if (mnl_attr_get_type(&attribute) == IFLA_PROP_LIST) {
            netlink::for_each_nested(attribute, [&news](const nlattr& property) {
                if (mnl_attr_get_type(&property) == IFLA_ALT_IFNAME) {
                    news.link.other_names.push_back(text(property));
                }
            });
        } else if (mnl_attr_get_type(&attribute) == IFLA_LINKINFO) {
            netlink::for_each_nested(attribute, [&news](const nlattr& property) {
                if (mnl_attr_get_type(&property) == IFLA_INFO_KIND) {
                    news.link.kind = text(property);
                }
            });
        }
    });
    if (news.link.name.empty()) {
        return std::nullopt;
    }
    return news;
}

Result<std::vector<Link>> dump_links() {
    std::vector<Link> links;
    netlink::Request<ifinfomsg> request;
    request.type = RTM_GETLINK;
    for (int attempt = 0; attempt < dump_attempts; ++attempt) {
        links.clear();
        const Result<netlink::DumpEnd> end =
            netlink::dump(request, [&links](const nlmsghdr& message) {
                if (const std::optional<LinkNews> news = parse_link(message)) {
                    links.push_back(news->link);
                }
            });
        if (!end) {
            return end.error();
        }
        if (end.value() == netlink::DumpEnd::complete) {
            break;
        }
    }
    std::sort(links.begin(), links.end(),
              [](const Link& a, const Link& b) { return a.index < b.index; });
    return links;
}

bool index_below(const Link& link, unsigned index) {
    return link.index < index;
}

}  // namespace

Result<LinkTable> LinkTable::open() {
    Result<UniqueFd> subscription = netlink::subscribe({RTNLGRP_LINK});
    if (!subscription) {
        return subscription.error();
    }
    Result<std::vector<Link>> links = dump_links();
    if (!links) {
        return links.error();
    }
    LinkTable table;
    table.subscription_ = std::move(subscription).value();
    table.links_ = std::move(links).value();
    return table;
}

const Link* LinkTable::find(unsigned index) const {
    const auto found = std::lower_bound(links_.begin(), links_.end(), index, index_below);
    return found != links_.end() && found->index == index ? &*found : nullptr;
}

const Link* LinkTable::find(const std::string& name) const {
    for (const Link& link : links_) {
        if (link.name == name) {
            return &link;
        }
    }
    for (const Link& link : links_) {
        if (std::find(link.other_names.begin(), link.other_names.end(), name) !=
            link.other_names.end()) {
            return &link;
        }
    }
    return nullptr;
}

void LinkTable::update(const Link& link) {
    const auto place = std::lower_bound(links_.begin(), links_.end(), link.index, index_below);
    if (place != links_.end() && place->index == link.index) {
        *place = link;
    } else {
        links_.insert(place, link);
    }
}

void LinkTable::remove(unsigned index) {
    std::erase_if(links_, [index](const Link& link) { return link.index == index; });
}

Result<void> LinkTable::read_again(const Visitor& visit) {
    Result<std::vector<Link>> links = dump_links();
    if (!links) {
        return links.error();
    }
    const std::vector<Link> before = std::exchange(links_, std::move(links).value());
    for (const Link& link : before) {
        if (find(link.index) == nullptr) {
            visit(link, false);
        }
    }
    for (const Link& link : links_) {
        visit(link, true);
    }
    return {};
}

Result<void> LinkTable::refresh(const Visitor& visit) {
    const Result<netlink::News> news =
        netlink::receive(subscription_.get(), [this, &visit](const nlmsghdr& message) {
            const std::optional<LinkNews> parsed = parse_link(message);
            if (!parsed) {
                return;
            }
            if (parsed->exists) {
                update(parsed->link);
            } else {
                remove(parsed->link.index);
            }
            visit(parsed->link, parsed->exists);
        });
    if (!news) {
        return news.error();
    }
    if (news.value() == netlink::News::lost) {
        return read_again(visit);
    }
    return {};
}

std::optional<std::uint64_t> missed_by_driver(unsigned index) {
    std::optional<std::uint64_t> missed;
    const netlink::Visitor add = [&missed](const nlmsghdr& message) {
        if (message.nlmsg_type != RTM_NEWSTATS ||
            mnl_nlmsg_get_payload_len(&message) < sizeof(if_stats_msg)) {
            return;
        }
        netlink::for_each_attribute(message, sizeof(if_stats_msg), [&](const nlattr& attribute) {
            if (mnl_attr_get_type(&attribute) != IFLA_STATS_LINK_64) {
                return;
            }
            // Kernels of different age fill in more or less of it.
            rtnl_link_stats64 statistics{};
            std::memcpy(
                &statistics, mnl_attr_get_payload(&attribute),
                std::min<std::size_t>(sizeof statistics, mnl_attr_get_payload_len(&attribute)));
            missed = missed.value_or(0) + statistics.rx_missed_errors + statistics.rx_fifo_errors;
        });
    };
    netlink::Request<if_stats_msg> request;
    request.type = RTM_GETSTATS;
    request.header.ifindex = index;
    request.header.filter_mask = IFLA_STATS_FILTER_BIT(IFLA_STATS_LINK_64);
    if (index == 0) {
        static_cast<void>(netlink::dump(request, add));
    } else {
        static_cast<void>(netlink::get(request, add));
    }
    return missed;
}

}  // namespace tcpeek
