// Packets that netfilter logged (https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html): a fixed
// header, then attributes in the byte order of the host that captured, the packet among them.
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint16_t kPayload = 9;  // NFULA_PAYLOAD
constexpr std::uint16_t kTypeMask = 0x7fff;
constexpr std::size_t kAttributeHeader = 4;

std::uint16_t swapped(std::uint16_t number) {
    return static_cast<std::uint16_t>(number << 8U | number >> 8U);
}

}  // namespace

Step dissect_nflog(ByteReader& reader, Dissection& dissection) {
    reader.skip(1);  // address family
    const std::uint8_t version = reader.u8();
    reader.skip(2);  // resource identifier
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (version != 0) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    while (reader.remaining() > 0) {
        std::uint16_t length = reader.u16();
        std::uint16_t type = reader.u16();
        // Types are small numbers: large ones were written in the other byte order.
        if ((type & kTypeMask) > 0xff) {
            length = swapped(length);
            type = swapped(type);
        }
        if (!reader.ok()) {
            return run_out(dissection, Layer::link);
        }
        if (length < kAttributeHeader) {
            return reject(dissection, Layer::link);
        }
        if ((type & kTypeMask) == kPayload) {
            return hand_on(dissect_raw_ip);
        }
        const std::size_t padded = (std::size_t{length} + 3) / 4 * 4;
        reader.skip(padded - kAttributeHeader);
        if (!reader.ok()) {
            return run_out(dissection, Layer::link);
        }
    }
    return ignore(dissection, IgnoredReason::protocol_not_ip);
}

}  // namespace tcpeek
