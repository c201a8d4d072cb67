// The IPv4 header (RFC 791 3.1).
#include <algorithm>

#include "dissect/ip/checksum.h"
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::size_t kFixedHeader = 20;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFragmentOffset = 0x1fff;

}  // namespace

Step dissect_ipv4(ByteReader& reader, Dissection& dissection) {
    const Bytes whole = reader.rest();
    const std::uint32_t on_wire = wire_octets(reader, dissection);
    const auto header = reader.header<kFixedHeader>();
    if (!header) {
        return run_out(dissection, Layer::ipv4);
    }
    const std::uint8_t version_and_length = header->u8<0>();
    const std::uint16_t total_length = header->u16<2>();
    const std::uint16_t fragment = header->u16<6>();
    const std::size_t header_length = std::size_t{version_and_length & 0x0fU} * 4;
    // Segmentation offload of more than 64 KB leaves 0 in the length field.
    const std::uint32_t length = total_length == 0 ? on_wire : total_length;
    if (version_and_length >> 4U != 4 || header_length < kFixedHeader || length < header_length) {
        return reject(dissection, Layer::ipv4);
    }
    reader.skip(header_length - kFixedHeader);  // options
    if (!reader.ok()) {
        return run_out(dissection, Layer::ipv4);
    }
    if (dissection.options.checksums != ChecksumMode::none) {
        InternetSum sum;
        sum.add(whole.first(header_length));
        if (sum.folded() != 0xffff) {
            return ignore(dissection, IgnoredReason::checksum_ip_bad);
        }
    }
    if ((fragment & kFragmentOffset) != 0) {
        return ignore(dissection, IgnoredReason::fragment_later);
    }
    dissection.source = IpAddress::v4(header->octets<12, 4>());
    dissection.destination = IpAddress::v4(header->octets<16, 4>());
    dissection.has_ip_id = true;
    dissection.ip_id = header->u16<4>();
    dissection.first_fragment = (fragment & kMoreFragments) != 0;
    dissection.ip_payload_length = length - static_cast<std::uint32_t>(header_length);
    // What lies behind the datagram is padding of the link layer.
    const Bytes rest = reader.rest();
    reader =
        ByteReader(rest.first(std::min<std::size_t>(rest.size(), dissection.ip_payload_length)));
    return by_ip_protocol(header->u8<9>(), dissection);
}

}  // namespace tcpeek
