// GTP-U version 1 (3GPP TS 29.281 5): user packets with optional fields and extension headers.
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint8_t kVersionAndProtocol = 0xf0;
constexpr std::uint8_t kVersion1OfGtp = 0x30;
constexpr std::uint8_t kExtensionHeader = 0x04;
constexpr std::uint8_t kOptionalFields = 0x07;  // extension header, sequence or N-PDU number
constexpr std::uint8_t kUserPacket = 255;       // G-PDU

}  // namespace

Step dissect_gtp(ByteReader& reader, Dissection& dissection) {
    const std::uint8_t flags = reader.u8();
    const std::uint8_t message_type = reader.u8();
    reader.skip(6);  // length, tunnel endpoint identifier
    if (reader.ok() &&
        ((flags & kVersionAndProtocol) != kVersion1OfGtp || message_type != kUserPacket)) {
        return ignore(dissection, IgnoredReason::protocol_not_tcp);
    }
    if ((flags & kOptionalFields) != 0) {
        reader.skip(3);  // sequence number, N-PDU number
        std::uint8_t next = reader.u8();
        if ((flags & kExtensionHeader) == 0) {
            next = 0;
        }
        while (next != 0 && reader.ok()) {
            const std::size_t length = std::size_t{reader.u8()} * 4;
            if (reader.ok() && length == 0) {
                return reject(dissection, Layer::tunnel);
            }
            reader.skip(length - 2);
            next = reader.u8();
        }
    }
    if (!reader.ok()) {
        return run_out(dissection, Layer::tunnel);
    }
    return enter(dissection, Tunnel::gtp, dissect_raw_ip);
}

}  // namespace tcpeek
