// Any bytes, in any pieces, as what an HTTP client sends.
#include <netinet/in.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/unique_fd.h"
#include "serve/http_server.h"
#include "serve_support.h"

namespace {

sockaddr_in loopback(std::uint16_t port, std::uint32_t address_on_it = INADDR_LOOPBACK) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(address_on_it);
    return address;
}

// From an address of its own each time: a closed connection keeps its port for a minute, and one
// address has fewer ports than a minute has inputs.
void take_own_address(const tcpeek::UniqueFd& client) {
    static std::uint32_t last = 0;
    last = last % 0xfffffU + 1;
    const sockaddr_in own = loopback(0, (INADDR_LOOPBACK & 0xff000000U) + last);
    TCPEEK_ASSERT(bind(client.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own) == 0);
}

tcpeek::UniqueFd tcp_socket() {
    return tcpeek::UniqueFd(socket(AF_INET, SOCK_STREAM, 0));
}

std::uint16_t free_port() {
    const tcpeek::UniqueFd probe = tcp_socket();
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    TCPEEK_ASSERT(bind(probe.get(), reinterpret_cast<const sockaddr*>(&address), size) == 0);
    TCPEEK_ASSERT(getsockname(probe.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

struct Bench {
    Bench() {
        auto listening =
            tcpeek::HttpServer::listen(context, {*tcpeek::IpAddress::parse("127.0.0.1"), port},
                                       {.source = source, .counters = counters, .version = "0"});
        TCPEEK_ASSERT(listening.ok());
        server.emplace(std::move(listening.value()));
    }

    boost::asio::io_context context{1};
    tcpeek::FixedSource source{context};
    tcpeek::ClientCounters counters;
    std::uint16_t port = free_port();
    std::optional<tcpeek::HttpServer> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Bench bench;
    const sockaddr_in address = loopback(bench.port);
    const tcpeek::UniqueFd client = tcp_socket();
    take_own_address(client);
    TCPEEK_ASSERT(
        connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::string answer = tcpeek::converse(bench.context, client.get(), {data, size});
    TCPEEK_ASSERT(answer.empty() || answer.starts_with("HTTP/1."));
    // Else the ports of all those connections would wait for a minute.
    const linger at_once{1, 0};
    setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return 0;
}
