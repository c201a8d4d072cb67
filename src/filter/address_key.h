// An address as a number of 128 bits, for tables that are searched by order.
#pragma once

#include <boost/endian/conversion.hpp>
#include <compare>
#include <cstdint>

#include "net/ip_address.h"

namespace tcpeek {

struct AddressKey {
    std::uint64_t high = 0;
    std::uint64_t low = 0;

    static AddressKey of(const std::array<std::uint8_t, 16>& octets) {
        return {boost::endian::load_big_u64(octets.data()),
                boost::endian::load_big_u64(octets.data() + 8)};
    }
    static AddressKey of(const IpAddress& address) { return of(address.octets()); }
    static constexpr AddressKey highest() { return {UINT64_MAX, UINT64_MAX}; }
    // Of any but the highest.
    [[nodiscard]] constexpr AddressKey next() const {
        return {low == UINT64_MAX ? high + 1 : high, low + 1};
    }

    friend constexpr auto operator<=>(const AddressKey&, const AddressKey&) = default;
};

}  // namespace tcpeek
