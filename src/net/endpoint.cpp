#include "net/endpoint.h"

#include <fmt/format.h>

namespace tcpeek {

std::string to_string(const Endpoint& endpoint) {
    return endpoint.address.is_v4()
               ? fmt::format("{}:{}", endpoint.address.to_string(), endpoint.port)
               : fmt::format("[{}]:{}", endpoint.address.to_string(), endpoint.port);
}

}  // namespace tcpeek
