#include "dissect/link/guess.h"

#include "dissect/ip/checksum.h"

namespace tcpeek {

bool looks_like_ip(Bytes bytes, std::uint32_t on_wire) {
    constexpr std::size_t kIpv4Header = 20;
    constexpr std::size_t kIpv6Header = 40;
    if (bytes.empty()) {
        return false;
    }
    const std::uint8_t first = bytes.front();
    if (first >> 4U == 6 && bytes.size() >= kIpv6Header) {
        ByteReader reader(bytes.subspan(4));
        return kIpv6Header + reader.u16() <= on_wire;
    }
    const std::size_t header_length = std::size_t{first & 0x0fU} * 4;
    if (first >> 4U != 4 || header_length < kIpv4Header || bytes.size() < header_length) {
        return false;
    }
    InternetSum sum;
    sum.add(bytes.first(header_length));
    return sum.folded() == 0xffff;
}

bool looks_like_ethernet_with_ip(Bytes bytes) {
    ByteReader reader(bytes);
    reader.skip(12);  // addresses
    std::uint16_t ether_type = reader.u16();
    while (ether_type == 0x8100 || ether_type == 0x88a8) {
        reader.skip(2);
        ether_type = reader.u16();
    }
    const std::uint8_t version = reader.u8() >> 4U;
    return reader.ok() &&
           ((ether_type == 0x0800 && version == 4) || (ether_type == 0x86dd && version == 6));
}

}  // namespace tcpeek
