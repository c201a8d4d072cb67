// The Internet checksum (RFC 1071) over borrowed bytes.
#pragma once

#include <cstdint>

#include "base/byte_reader.h"
#include "net/ip_address.h"

namespace tcpeek {

// A one's complement sum of 16-bit words in network order; an odd octet is padded with 0.
class InternetSum {
  public:
    void add(Bytes bytes);
    void add(std::uint32_t word) { sum_ += (word >> 16U) + (word & 0xffffU); }

    // Folded to 16 bits, not complemented: 0xffff over data with a right checksum in it.
    [[nodiscard]] std::uint16_t folded() const;

  private:
    std::uint64_t sum_ = 0;
};

// The pseudo-header of IPv4 (RFC 9293 3.1) or IPv6 (RFC 8200 8.1).
InternetSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                              std::uint32_t length, std::uint8_t protocol);

}  // namespace tcpeek
