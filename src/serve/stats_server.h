// The statistics socket (FORMATS: "Statistics socket").
#pragma once

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <memory>
#include <string>
#include <vector>

#include "base/unique_fd.h"
#include "output/stats_json.h"
#include "serve/snapshot_source.h"

namespace tcpeek {

// Serves from construction to destruction, on the thread that runs `context`. The references must
// outlive it.
class StatsServer {
  public:
    struct Setup {
        UniqueFd listener;  // a listening, non-blocking UNIX stream socket
        SnapshotSource& source;
        ClientCounters& counters;
        std::string version;
    };

    StatsServer(boost::asio::io_context& context, Setup setup);
    ~StatsServer();

  private:
    class Implementation;
    std::shared_ptr<Implementation> implementation_;
};

}  // namespace tcpeek
