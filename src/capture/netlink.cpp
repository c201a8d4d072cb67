#include "capture/netlink.h"

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace tcpeek::netlink {
namespace {

// The kernel fills at most 32 KiB per datagram of a dump (libmnl: MNL_SOCKET_DUMP_SIZE).
using Buffer = std::array<char, 32768>;

constexpr std::uint32_t dump_sequence = 1;

Error failure(const char* what, int error) {
    return Error{fmt::format("cannot ask the kernel about its interfaces and addresses: {}: {}",
                             what, std::strerror(error))};
}

Result<UniqueFd> open_socket(int flags) {
    UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, NETLINK_ROUTE));
    if (!fd.valid()) {
        return failure("netlink socket", errno);
    }
    return fd;
}

int visit_message(const nlmsghdr* message, void* data) {
    (*static_cast<const Visitor*>(data))(*message);
    return MNL_CB_OK;
}

int visit_attribute(const nlattr* attribute, void* data) {
    (*static_cast<const AttributeVisitor*>(data))(*attribute);
    return MNL_CB_OK;
}

// Runs `visit` over one datagram. MNL_CB_STOP at the end of a dump, MNL_CB_OK when more follows,
// MNL_CB_ERROR with errno.
int run_callbacks(const Buffer& buffer, std::size_t length, unsigned sequence,
                  const Visitor& visit) {
    // libmnl takes a plain void* and hands it back to visit_message, which does not write.
    return mnl_cb_run(buffer.data(), length, sequence, 0, visit_message,
                      const_cast<Visitor*>(&visit));
}

Result<UniqueFd> send_request(std::uint16_t type, std::uint16_t flags,
                              std::span<const std::byte> family_header) {
    Result<UniqueFd> opened = open_socket(0);
    if (!opened) {
        return opened.error();
    }
    const int fd = opened.value().get();
    // Lets the kernel leave out what was not asked for (Linux 4.20); older ones send everything.
    const int on = 1;
    static_cast<void>(::setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on));

    alignas(nlmsghdr) std::array<char, 256> buffer{};
    TCPEEK_ASSERT(mnl_nlmsg_size(family_header.size()) <= buffer.size());
    nlmsghdr* message = mnl_nlmsg_put_header(buffer.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    message->nlmsg_seq = dump_sequence;
    void* header = mnl_nlmsg_put_extra_header(message, family_header.size());
    std::memcpy(header, family_header.data(), family_header.size());
    if (::send(fd, buffer.data(), message->nlmsg_len, 0) < 0) {
        return failure("netlink request", errno);
    }
    return opened;
}

}  // namespace

Result<UniqueFd> subscribe(std::initializer_list<unsigned> groups) {
    Result<UniqueFd> opened = open_socket(SOCK_NONBLOCK);
    if (!opened) {
        return opened;
    }
    const int fd = opened.value().get();
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    sockaddr generic{};
    static_assert(sizeof address <= sizeof generic);
    std::memcpy(&generic, &address, sizeof address);
    if (::bind(fd, &generic, sizeof address) != 0) {
        return failure("netlink bind", errno);
    }
    for (const unsigned group : groups) {
        if (::setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
            return failure("netlink subscription", errno);
        }
    }
    return opened;
}

Result<DumpEnd> dump(std::uint16_t type, std::span<const std::byte> family_header,
                     const Visitor& visit) {
    // A socket of its own, so that news and answers cannot get mixed up.
    const Result<UniqueFd> socket = send_request(type, NLM_F_DUMP, family_header);
    if (!socket) {
        return socket.error();
    }
    alignas(nlmsghdr) Buffer buffer;
    for (;;) {
        const ssize_t length = ::recv(socket.value().get(), buffer.data(), buffer.size(), 0);
        if (length < 0 && errno == EINTR) {
            continue;
        }
        if (length < 0) {
            return failure("netlink answer", errno);
        }
        const int outcome =
            run_callbacks(buffer, static_cast<std::size_t>(length), dump_sequence, visit);
        if (outcome == MNL_CB_STOP) {
            return DumpEnd::complete;
        }
        if (outcome == MNL_CB_ERROR) {
            if (errno == EINTR) {  // NLM_F_DUMP_INTR
                return DumpEnd::interrupted;
            }
            return failure("netlink answer", errno);
        }
    }
}

Result<void> get(std::uint16_t type, std::span<const std::byte> family_header,
                 const Visitor& visit) {
    const Result<UniqueFd> socket = send_request(type, 0, family_header);
    if (!socket) {
        return socket.error();
    }
    alignas(nlmsghdr) Buffer buffer;
    const ssize_t length = ::recv(socket.value().get(), buffer.data(), buffer.size(), 0);
    if (length < 0 ||
        run_callbacks(buffer, static_cast<std::size_t>(length), dump_sequence, visit) < 0) {
        return failure("netlink answer", errno);
    }
    return {};
}

Result<News> receive(int subscription, const Visitor& visit) {
    News news = News::none;
    alignas(nlmsghdr) Buffer buffer;
    for (;;) {
        const ssize_t length = ::recv(subscription, buffer.data(), buffer.size(), 0);
        if (length >= 0) {
            if (news == News::none) {
                news = News::some;
            }
            // A message that libmnl cannot read says nothing that a later dump would not.
            if (run_callbacks(buffer, static_cast<std::size_t>(length), 0, visit) < 0) {
                news = News::lost;
            }
        } else if (errno == ENOBUFS) {
            news = News::lost;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return news;
        } else if (errno != EINTR) {
            return failure("netlink news", errno);
        }
    }
}

void for_each_attribute(const nlmsghdr& message, std::size_t header_size,
                        const AttributeVisitor& visit) {
    mnl_attr_parse(&message, static_cast<unsigned>(header_size), visit_attribute,
                   const_cast<AttributeVisitor*>(&visit));
}

void for_each_nested(const nlattr& attribute, const AttributeVisitor& visit) {
    mnl_attr_parse_nested(&attribute, visit_attribute, const_cast<AttributeVisitor*>(&visit));
}

}  // namespace tcpeek::netlink
