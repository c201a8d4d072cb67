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

bool looks_like_ethernet(Bytes bytes) {
    constexpr std::uint16_t kMaxLength = 1500;
    ByteReader reader(bytes);
    reader.skip(12);  // addresses
    std::uint16_t type_or_length = reader.u16();
    while (type_or_length == 0x8100 || type_or_length == 0x88a8 || type_or_length == 0x9100) {
        reader.skip(2);
        type_or_length = reader.u16();
    }
    const std::uint8_t first = reader.u8();
    if (!reader.ok()) {
        return false;
    }
    switch (type_or_length) {
        case 0x0800:
            return first >> 4U == 4;
        case 0x86dd:
            return first >> 4U == 6;
        case 0x8864:  // PPPoE: version and type
            return first == 0x11;
        case 0x8847:
        case 0x88e7:
            return true;
    }
    const bool snap = first == 0xaa && reader.u8() == 0xaa && reader.u8() == 0x03;
    return type_or_length <= kMaxLength && snap && reader.ok();
}

}  // namespace tcpeek
