// Any bytes, in any pieces, as what a client of the statistics socket sends.
#include <fmt/format.h>
#include <sys/un.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/assert.h"
#include "base/unique_fd.h"
#include "serve/stats_server.h"
#include "serve_support.h"

namespace {

// A name of this process's own, in no folder.
sockaddr_un own_address() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string name = fmt::format("tcpeek-fuzz-{}", getpid());
    name.copy(address.sun_path + 1, sizeof(address.sun_path) - 1);
    return address;
}

tcpeek::UniqueFd unix_socket() {
    return tcpeek::UniqueFd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
}

struct Bench {
    Bench() {
        const sockaddr_un address = own_address();
        tcpeek::UniqueFd listener = unix_socket();
        TCPEEK_ASSERT(
            bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
        TCPEEK_ASSERT(listen(listener.get(), 16) == 0);
        server.emplace(context,
                       tcpeek::StatsServer::Setup{std::move(listener), source, counters, "0"});
    }

    boost::asio::io_context context{1};
    tcpeek::FixedSource source{context};
    tcpeek::ClientCounters counters;
    std::optional<tcpeek::StatsServer> server;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Bench bench;
    // What the client before left behind is not this one's.
    tcpeek::run_what_is_ready(bench.context);
    const sockaddr_un address = own_address();
    const tcpeek::UniqueFd client = unix_socket();
    TCPEEK_ASSERT(
        connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    const std::uint64_t wrong = bench.counters.wrong_commands;
    const std::string answer = tcpeek::converse(bench.context, client.get(), {data, size});
    if (answer.empty()) {
        return 0;
    }
    // REFRESH keeps its last octets back until the rest was read.
    const bool whole = answer.back() == '\n';
    const auto json = nlohmann::json::parse(answer, nullptr, false);
    TCPEEK_ASSERT(!whole || !json.is_discarded());
    const bool is_error = whole && json.is_object() && json.contains("error");
    TCPEEK_ASSERT(is_error == (bench.counters.wrong_commands == wrong + 1));
    return 0;
}
