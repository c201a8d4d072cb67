// What tcpeek offers to programs: the statistics socket and HTTP.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/event_loop.h"
#include "app/log.h"
#include "app/snapshot_desk.h"
#include "cli/config.h"
#include "serve/http_server.h"
#include "serve/socket_file.h"
#include "serve/stats_server.h"

namespace tcpeek {

inline constexpr const char* kUsualSocket = "/var/run/tcpeek/tcpeek.sock";

// Belongs to the main thread. Everything it refers to must outlive it.
class Servers {
  public:
    Servers(const Config& config, EventLoop& loop, Mailbox& mailbox, const Log& log)
        : config_(config), loop_(loop), log_(log), desk_(loop, mailbox) {}

    // Opens what the configuration asks for; requests are answered from `provide` on. The usual
    // socket, which nobody asked for, may be missing: that is a notice.
    Result<void> open();
    // So that it can be removed at the end.
    Result<void> give_socket_to(const std::string& user);
    // See SnapshotDesk::open.
    void provide(SnapshotCopying copying, std::function<void()> wake) {
        desk_.open(std::move(copying), std::move(wake));
    }
    // For an end without destructors.
    void remove_socket() { socket_file_.reset(); }

  private:
    Result<void> open_stats_socket();
    Result<void> open_http(const Endpoint& endpoint);

    const Config& config_;
    EventLoop& loop_;
    const Log& log_;
    SnapshotDesk desk_;
    ClientCounters clients_;
    std::optional<SocketFile> socket_file_;
    std::optional<StatsServer> stats_server_;
    std::optional<HttpServer> http_server_;
};

}  // namespace tcpeek
