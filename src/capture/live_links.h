// The network interfaces of this network namespace, followed by rtnetlink.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tcpeek {

struct Link {
    unsigned index = 0;  // the kernel's, from 1
    std::string name;
    std::vector<std::string> other_names;  // alternative ones, which may be longer
    bool up = false;                       // by its administrator (IFF_UP)
    bool running = false;                  // and with a carrier (IFF_RUNNING)
    bool loopback = false;
    unsigned hardware_type = 0;  // ARPHRD_ of if_arp.h
    std::string kind;            // of a virtual one: "veth", "vrf" (IFLA_INFO_KIND)
};

// Needs no privilege. Belongs to one thread.
class LinkTable {
  public:
    // Subscribes first and reads all interfaces then, so that no change is missed.
    static Result<LinkTable> open();

    // In the order of their indices.
    [[nodiscard]] const std::vector<Link>& links() const { return links_; }
    // nullptr for an index that does not exist. Valid until `refresh`.
    [[nodiscard]] const Link* find(unsigned index) const;
    // By name or alternative name; nullptr where there is none. Valid until `refresh`.
    [[nodiscard]] const Link* find(const std::string& name) const;

    // Becomes readable when something may have changed.
    [[nodiscard]] int descriptor() const { return subscription_.get(); }

    // Called for each piece of news with the link as it is now, or as it was before it vanished.
    using Visitor = std::function<void(const Link& link, bool exists)>;

    // Reads what has arrived and visits each piece of news in order. After lost messages all
    // links are read again, and each is visited.
    Result<void> refresh(const Visitor& visit);

  private:
    void update(const Link& link);
    void remove(unsigned index);
    Result<void> read_again(const Visitor& visit);

    UniqueFd subscription_;
    std::vector<Link> links_;
};

// How many packets the driver of an interface missed since it exists (rx_missed_errors and
// rx_fifo_errors); all interfaces together for index 0. Nothing where the kernel does not tell.
[[nodiscard]] std::optional<std::uint64_t> missed_by_driver(unsigned index);

}  // namespace tcpeek
