// The addresses that count as this host's.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "filter/address_key.h"
#include "net/ip_address.h"

namespace tcpeek {

class LocalAddresses {
  public:
    LocalAddresses() = default;
    // Networks may overlap.
    explicit LocalAddresses(const std::vector<IpNetwork>& networks);

    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

  private:
    struct Range {
        AddressKey first;
        AddressKey last;  // included
    };

    static std::vector<Range> merged(std::vector<Range> ranges);

    std::vector<Range> v4_;  // sorted, apart from each other
    std::vector<Range> v6_;
};

// The last address of a network, as 16 octets like IpAddress::octets.
std::array<std::uint8_t, 16> last_octets(const IpNetwork& network);

}  // namespace tcpeek
