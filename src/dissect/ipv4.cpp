// The IPv4 header (RFC 791 3.1).
#include <algorithm>

#include "dissect/checksum.h"
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::size_t kFixedHeader = 20;
constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint16_t kFragmentOffset = 0x1fff;

IpAddress read_address(ByteReader& reader) {
    const Bytes octets = reader.take(4);
    return octets.size() == 4 ? IpAddress::v4(octets.first<4>()) : IpAddress{};
}

}  // namespace

Step dissect_ipv4(ByteReader& reader, Dissection& dissection) {
    const Bytes whole = reader.rest();
    const std::uint32_t on_wire = wire_octets(reader, dissection);
    const std::uint8_t version_and_length = reader.u8();
    reader.skip(1);  // type of service
    const std::uint16_t total_length = reader.u16();
    const std::uint16_t id = reader.u16();
    const std::uint16_t fragment = reader.u16();
    reader.skip(1);  // time to live
    const std::uint8_t protocol = reader.u8();
    reader.skip(2);  // checksum
    const IpAddress source = read_address(reader);
    const IpAddress destination = read_address(reader);
    if (!reader.ok()) {
        return run_out(dissection, Layer::ipv4);
    }
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
    dissection.source = source;
    dissection.destination = destination;
    dissection.has_ip_id = true;
    dissection.ip_id = id;
    dissection.first_fragment = (fragment & kMoreFragments) != 0;
    dissection.ip_payload_length = length - static_cast<std::uint32_t>(header_length);
    // What lies behind the datagram is padding of the link layer.
    const Bytes rest = reader.rest();
    reader =
        ByteReader(rest.first(std::min<std::size_t>(rest.size(), dissection.ip_payload_length)));
    return by_ip_protocol(protocol, dissection);
}

}  // namespace tcpeek
