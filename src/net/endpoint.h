// One end of a TCP connection.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "net/ip_address.h"

namespace tcpeek {

struct Endpoint {
    IpAddress address;
    std::uint16_t port = 0;

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// "192.0.2.1:80" or "[2001:db8::1]:80".
std::string to_string(const Endpoint& endpoint);

}  // namespace tcpeek
