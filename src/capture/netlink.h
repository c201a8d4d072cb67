// Questions to the kernel's rtnetlink and the news it sends unasked, over libmnl.
#pragma once

#include <linux/netlink.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tcpeek::netlink {

// Called for each message; the message is valid during the call only.
using Visitor = std::function<void(const nlmsghdr&)>;

// A request of one rtnetlink family header (`struct rtmsg`, `struct ifinfomsg`, ...).
template <typename FamilyHeader>
struct Request {
    std::uint16_t type = 0;  // RTM_GETROUTE, ...
    FamilyHeader header{};
};

// A nonblocking socket that is told of changes in these multicast groups (RTNLGRP_...).
Result<UniqueFd> subscribe(std::initializer_list<unsigned> groups);

enum class DumpEnd : std::uint8_t {
    complete,
    interrupted,  // something changed meanwhile: the answer may miss or repeat parts
};

// Asks for all objects of a kind and visits each. Where the kernel can, it is asked to leave out
// what does not match `family_header`; visitors must look for themselves all the same.
Result<DumpEnd> dump(std::uint16_t type, std::span<const std::byte> family_header,
                     const Visitor& visit);

template <typename FamilyHeader>
Result<DumpEnd> dump(const Request<FamilyHeader>& request, const Visitor& visit) {
    return dump(request.type, std::as_bytes(std::span(&request.header, 1)), visit);
}

// Asks for one object and visits the answer.
Result<void> get(std::uint16_t type, std::span<const std::byte> family_header,
                 const Visitor& visit);

template <typename FamilyHeader>
Result<void> get(const Request<FamilyHeader>& request, const Visitor& visit) {
    return get(request.type, std::as_bytes(std::span(&request.header, 1)), visit);
}

using AttributeVisitor = std::function<void(const nlattr&)>;

// Visits the attributes of a message behind its family header of `header_size` bytes.
void for_each_attribute(const nlmsghdr& message, std::size_t header_size,
                        const AttributeVisitor& visit);
// Visits the attributes within an attribute.
void for_each_nested(const nlattr& attribute, const AttributeVisitor& visit);

enum class News : std::uint8_t {
    none,
    some,
    lost,  // the socket overflowed: only a new dump tells how things are now
};

// Visits every message that waits at a subscription, without waiting for more.
Result<News> receive(int subscription, const Visitor& visit);

}  // namespace tcpeek::netlink
