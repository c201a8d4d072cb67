// The HTTP endpoint: /metrics, /stats, /healthz.
#pragma once

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/endpoint.h"
#include "output/stats_json.h"
#include "serve/snapshot_source.h"

namespace tcpeek {

// Serves from construction to destruction, on the thread that runs `context`. The references must
// outlive it. No authentication: whoever reaches the address may read.
class HttpServer {
  public:
    struct Setup {
        SnapshotSource& source;
        ClientCounters& counters;
        std::string version;
    };

    // An error when the address cannot be listened on.
    static Result<HttpServer> listen(boost::asio::io_context& context, const Endpoint& endpoint,
                                     Setup setup);
    HttpServer(HttpServer&&) noexcept = default;
    HttpServer& operator=(HttpServer&&) = delete;
    ~HttpServer();

  private:
    class Implementation;
    explicit HttpServer(std::shared_ptr<Implementation> implementation)
        : implementation_(std::move(implementation)) {}

    std::shared_ptr<Implementation> implementation_;
};

}  // namespace tcpeek
