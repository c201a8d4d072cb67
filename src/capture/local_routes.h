// The addresses that this network namespace's routing tables call local, followed by rtnetlink.
#pragma once

#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/ip_address.h"

namespace tcpeek {

// A subscription to changes of local routes. Needs no privilege. Belongs to one thread.
class LocalRoutes {
  public:
    // Subscribes first and reads all routes then, so that no change is missed.
    static Result<LocalRoutes> open();

    // The networks of every route of type local, IPv4 and IPv6, in every table (127.0.0.0/8 and
    // ::1 among them).
    [[nodiscard]] const std::vector<IpNetwork>& networks() const { return networks_; }

    // Becomes readable when something may have changed.
    [[nodiscard]] int descriptor() const { return subscription_.get(); }

    // Reads what has arrived; after a change (or a lost message) dumps all routes again. Returns
    // whether `networks` differs from before.
    Result<bool> refresh();

  private:
    LocalRoutes() = default;

    UniqueFd subscription_;
    std::vector<IpNetwork> networks_;
};

}  // namespace tcpeek
