#include "app/servers.h"

#include <fmt/format.h>

#include "app/privileges.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

bool is_loopback(const IpAddress& address) {
    return IpNetwork::parse("127.0.0.0/8")->contains(address) ||
           IpNetwork::parse("::1")->contains(address);
}

}  // namespace

Result<void> Servers::open() {
    if (const Result<void> opened = open_stats_socket(); !opened) {
        return opened;
    }
    return config_.http ? open_http(*config_.http) : Result<void>();
}

Result<void> Servers::open_stats_socket() {
    const bool usual = !config_.socket && config_.files.empty();
    const std::string path = usual ? kUsualSocket : config_.socket.value_or("");
    if (path.empty()) {
        return {};
    }
    Result<SocketFile> file = SocketFile::listen(path);
    if (!file) {
        if (!usual) {
            return file.error();
        }
        log_.write(LogLevel::notice, file.error().message);
        fmt::print(stderr, "tcpeek: notice: {}\n", file.error().message);
        return {};
    }
    socket_file_.emplace(std::move(file).value());
    stats_server_.emplace(loop_.context(),
                          StatsServer::Setup{socket_file_->take_descriptor(), desk_, clients_,
                                             std::string(kVersion)});
    return {};
}

Result<void> Servers::open_http(const Endpoint& endpoint) {
    Result<HttpServer> server = HttpServer::listen(
        loop_.context(), endpoint, HttpServer::Setup{desk_, clients_, std::string(kVersion)});
    if (!server) {
        return server.error();
    }
    http_server_.emplace(std::move(server).value());
    if (!is_loopback(endpoint.address)) {
        log_.write(LogLevel::warning,
                   fmt::format("HTTP on {} can be read by whoever reaches that address, since "
                               "there is no authentication",
                               to_string(endpoint)));
    }
    return {};
}

Result<void> Servers::give_socket_to(const std::string& user) {
    if (!socket_file_) {
        return {};
    }
    const Result<Identity> identity = resolve_user(user);
    if (!identity) {
        return identity.error();
    }
    return socket_file_->give_to(identity.value().uid, identity.value().gid);
}

}  // namespace tcpeek
