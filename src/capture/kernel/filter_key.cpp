#include "capture/kernel/filter_key.h"

#include <netinet/in.h>

#include <array>
#include <cstring>
#include <span>
#include <tuple>
#include <utility>

namespace tcpeek {
namespace {

// An endpoint as the programs see it: octets as they stand in the packet.
tcpeek_endpoint as_in_packet(const Endpoint& endpoint) {
    tcpeek_endpoint words{};
    const auto octets = endpoint.address.significant();
    if (endpoint.address.is_v4()) {
        std::uint32_t address = 0;
        std::memcpy(&address, octets.data(), sizeof address);
        words.high = address;
    } else {
        std::memcpy(&words.high, octets.data(), sizeof words.high);
        std::memcpy(&words.low, octets.data() + sizeof words.high, sizeof words.low);
    }
    words.port = htons(endpoint.port);
    return words;
}

Endpoint endpoint_of(std::uint64_t high, std::uint64_t low, std::uint16_t port,
                     std::uint32_t family) {
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &high, sizeof high);
    std::memcpy(octets.data() + sizeof high, &low, sizeof low);
    if (family == 4) {
        const auto address = static_cast<std::uint32_t>(high);
        std::memcpy(octets.data(), &address, sizeof address);
        return {IpAddress::v4(std::span<const std::uint8_t, 4>(octets.data(), 4)), ntohs(port)};
    }
    return {IpAddress::v6(octets), ntohs(port)};
}

}  // namespace

tcpeek_key kernel_key(const ConnectionKey& key) {
    const Endpoint one = key.first();
    tcpeek_endpoint first = as_in_packet(one);
    tcpeek_endpoint second = as_in_packet(key.second());
    if (std::tie(second.high, second.low, second.port) <
        std::tie(first.high, first.low, first.port)) {
        std::swap(first, second);
    }
    tcpeek_key words{};
    words.first_high = first.high;
    words.first_low = first.low;
    words.second_high = second.high;
    words.second_low = second.low;
    words.rest = TCPEEK_KEY_REST(first.port, second.port, one.address.is_v4() ? 4U : 6U);
    return words;
}

ConnectionKey key_of(const tcpeek_key& words) {
    const auto family = static_cast<std::uint32_t>(words.rest);
    const auto first_port = static_cast<std::uint16_t>(words.rest >> 48U);
    const auto second_port = static_cast<std::uint16_t>(words.rest >> 32U);
    return ConnectionKey::of(endpoint_of(words.first_high, words.first_low, first_port, family),
                             endpoint_of(words.second_high, words.second_low, second_port, family));
}

}  // namespace tcpeek
