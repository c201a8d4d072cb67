#include "dissect/ip/ipv6_extensions.h"

namespace tcpeek {
namespace {

// RFC 8200 4.1 names seven kinds, each once; more than this is an attempt to waste time.
constexpr int kMaxExtensionHeaders = 16;

constexpr std::uint8_t kHopByHop = 0;
constexpr std::uint8_t kRouting = 43;
constexpr std::uint8_t kDestinationOptions = 60;
constexpr std::uint8_t kJumboPayload = 0xc2;
constexpr std::uint8_t kHomeAddress = 0xc9;
constexpr std::size_t kAddress = 16;

// The value of the first option of a kind, or nothing.
Bytes find_option(Bytes options, std::uint8_t kind) {
    ByteReader reader(options);
    while (reader.remaining() > 0 && reader.ok()) {
        const std::uint8_t type = reader.u8();
        if (type == 0) {  // Pad1
            continue;
        }
        const Bytes value = reader.take(reader.u8());
        if (type == kind) {
            return value;
        }
    }
    return {};
}

// Where a routing header sends the packet in the end: the last address of type 0 (RFC 2460 4.4),
// the home address of type 2 (RFC 6275 6.4), the first of a segment list (RFC 8754 2), which is
// written backwards. Nothing when it is there already, or the form is another.
Bytes find_final_destination(Bytes content) {
    ByteReader reader(content);
    const std::uint8_t type = reader.u8();
    const std::uint8_t segments_left = reader.u8();
    reader.skip(4);
    const Bytes addresses = reader.rest();
    if (segments_left == 0 || addresses.size() < kAddress) {
        return {};
    }
    switch (type) {
        case 0:
            return addresses.subspan(addresses.size() / kAddress * kAddress - kAddress, kAddress);
        case 2:
        case 4:
            return addresses.first(kAddress);
    }
    return {};
}

void read_content(std::uint8_t kind, Bytes content, Ipv6Chain& chain) {
    if (kind == kHopByHop) {
        const Bytes length = find_option(content, kJumboPayload);
        if (length.size() == 4) {
            chain.jumbo_length = ByteReader(length).u32();
        }
    } else if (kind == kRouting) {
        if (const Bytes last = find_final_destination(content); !last.empty()) {
            chain.final_destination = last;
        }
    } else if (kind == kDestinationOptions) {
        const Bytes home = find_option(content, kHomeAddress);
        if (home.size() == kAddress) {
            chain.home_address = home;
        }
    }
}

}  // namespace

Ipv6Chain walk_ipv6_chain(ByteReader& reader, std::uint8_t next_header) {
    Ipv6Chain chain;
    for (int headers = 0; headers <= kMaxExtensionHeaders; ++headers) {
        const std::uint8_t kind = next_header;
        std::size_t length = 0;
        switch (kind) {
            case kHopByHop:
            case kRouting:
            case kDestinationOptions:
            case 135:    // mobility
            case 139:    // HIP
            case 140: {  // shim6
                next_header = reader.u8();
                length = (std::size_t{reader.u8()} + 1) * 8;
                const Bytes content = reader.take(length - 2);
                if (reader.ok()) {
                    read_content(kind, content, chain);
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
