#include "dissect/ip/ipv6_extensions.h"

namespace tcpeek {
namespace {

// RFC 8200 4.1 names seven kinds, each once; more than this is an attempt to waste time.
constexpr int kMaxExtensionHeaders = 16;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kJumboPayload = 0xc2;

std::optional<std::uint32_t> find_jumbo_length(Bytes options) {
    ByteReader reader(options);
    while (reader.remaining() > 0 && reader.ok()) {
        const std::uint8_t type = reader.u8();
        if (type == 0) {  // Pad1
            continue;
        }
        const std::uint8_t length = reader.u8();
        if (type == kJumboPayload && length == 4) {
            const std::uint32_t octets = reader.u32();
            return reader.ok() ? std::optional(octets) : std::nullopt;
        }
        reader.skip(length);
    }
    return std::nullopt;
}

}  // namespace

Ipv6Chain walk_ipv6_chain(ByteReader& reader, std::uint8_t next_header) {
    Ipv6Chain chain;
    for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
        const std::uint8_t kind = next_header;
        std::size_t length = 0;
        switch (kind) {
            case kHopByHop:
            case 43:     // routing
            case 60:     // destination options
            case 135:    // mobility
            case 139:    // HIP
            case 140: {  // shim6
                next_header = reader.u8();
                length = (std::size_t{reader.u8()} + 1) * 8;
                const Bytes options = reader.take(length - 2);
                if (kind == kHopByHop && reader.ok()) {
                    chain.jumbo_length = find_jumbo_length(options);
                }
                break;
            }
            case 51:  // AH: in units of 4 octets, minus 2 (RFC 4302 2.2)
                next_header = reader.u8();
                length = (std::size_t{reader.u8()} + 2) * 4;
                reader.skip(length - 2);
                break;
            case 44: {  // fragment
                next_header = reader.u8();
                reader.skip(1);
                const std::uint16_t offset_and_more = reader.u16();
                reader.skip(4);
                if (reader.ok() && (offset_and_more & 0xfff8U) != 0) {
                    chain.end = Ipv6Chain::End::later_fragment;
                    return chain;
                }
                chain.first_fragment = chain.first_fragment || (offset_and_more & 1U) != 0;
                break;
            }
            case 50:  // ESP
                chain.end = Ipv6Chain::End::encrypted;
                return chain;
            default:
                chain.protocol = kind;
                return chain;
        }
        if (!reader.ok()) {
            chain.end = Ipv6Chain::End::out_of_bytes;
            return chain;
        }
    }
    chain.end = Ipv6Chain::End::too_long;
    return chain;
}

}  // namespace tcpeek
