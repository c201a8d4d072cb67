// The IPv6 header (RFC 8200 3) and its extension headers.
#include <algorithm>

#include "dissect/ip/ipv6_extensions.h"
#include "dissect/layers.h"

namespace tcpeek {
Step dissect_ipv6(ByteReader& reader, Dissection& dissection) {
    const auto header = reader.header<40>();
    if (!header) {
        return run_out(dissection, Layer::ipv6);
    }
    const std::uint16_t payload_length = header->u16<4>();
    if (header->u8<0>() >> 4U != 6) {
        return reject(dissection, Layer::ipv6);
    }
    // A jumbogram, or segmentation offload of more than 64 KB, has 0 in the length field.
    const std::uint32_t on_wire = wire_octets(reader, dissection);
    const std::uint32_t length = payload_length == 0 ? on_wire : payload_length;
    const Bytes payload = reader.rest().first(std::min<std::size_t>(reader.remaining(), length));
    reader = ByteReader(payload);
    const Ipv6Chain chain = walk_ipv6_chain(reader, header->u8<6>());
    switch (chain.end) {
        case Ipv6Chain::End::protocol:
            break;
        case Ipv6Chain::End::out_of_bytes:
            dissection.first_fragment = chain.first_fragment;
            return payload.size() < length ? run_out(dissection, Layer::ipv6)
                                           : reject(dissection, Layer::ipv6);
        case Ipv6Chain::End::later_fragment:
            return ignore(dissection, IgnoredReason::fragment_later);
        case Ipv6Chain::End::encrypted:
            return ignore(dissection, IgnoredReason::encrypted);
        case Ipv6Chain::End::too_long:
            return ignore(dissection, IgnoredReason::nesting_too_deep);
    }
    const std::size_t extensions = payload.size() - reader.remaining();
    const std::uint32_t whole = payload_length == 0 ? chain.jumbo_length.value_or(length) : length;
    if (whole < extensions) {
        return reject(dissection, Layer::ipv6);
    }
    dissection.source = IpAddress::v6(header->octets<8, 16>());
    dissection.destination = IpAddress::v6(header->octets<24, 16>());
    if (!chain.home_address.empty()) {
        dissection.source = IpAddress::v6(chain.home_address.first<16>());
    }
    if (!chain.final_destination.empty()) {
        dissection.destination = IpAddress::v6(chain.final_destination.first<16>());
    }
    dissection.has_ip_id = false;
    dissection.first_fragment = chain.first_fragment;
    dissection.ip_payload_length = whole - static_cast<std::uint32_t>(extensions);
    // Behind a jumbogram, too, may be padding.
    const Bytes rest = reader.rest();
    reader =
        ByteReader(rest.first(std::min<std::size_t>(rest.size(), dissection.ip_payload_length)));
    return by_ip_protocol(chain.protocol, dissection);
}

}  // namespace tcpeek
