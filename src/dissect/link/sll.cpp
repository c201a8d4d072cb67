// Linux cooked captures, both versions (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
// and LINKTYPE_LINUX_SLL2.html).
#include "dissect/layers.h"
#include "dissect/link/guess.h"

namespace tcpeek {
namespace {

constexpr std::uint16_t kArphrdNetlink = 824;  // its protocol field is no EtherType
constexpr std::uint16_t kEthP8022 = 0x0004;    // what Linux calls a frame with a length

// Linux from 6.11 on names what is behind all tags, and still takes only the outermost tag off: of
// two, the inner one stands where the packet should begin.
bool tag_stands_first(std::uint16_t protocol, Bytes bytes, const Dissection& dissection) {
    const std::uint8_t version = protocol == 0x86dd ? 6 : 4;
    ByteReader tag(bytes);
    tag.skip(2);
    const bool names_protocol = tag.u16() == protocol && tag.u8() >> 4U == version;
    return tag.ok() && names_protocol && !looks_like_ip(bytes, dissection.frame.original_length);
}

// The outermost of two such tags, where the capture put it back: what it names is not the next one.
bool is_before_another(ByteReader tag, std::uint16_t protocol, const Dissection& dissection) {
    if (protocol != 0x8100 && protocol != 0x88a8) {
        return false;
    }
    tag.skip(2);
    const std::uint16_t named = tag.u16();
    return tag.ok() && tag_stands_first(named, tag.rest(), dissection);
}

Step by_protocol(std::uint16_t hardware_type, std::uint16_t protocol, ByteReader& reader,
                 Dissection& dissection) {
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (hardware_type == kArphrdNetlink) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    if (is_before_another(reader, protocol, dissection)) {
        static_cast<void>(dissect_vlan(reader, dissection));
        return hand_on(dissect_vlan);
    }
    if (tag_stands_first(protocol, reader.rest(), dissection)) {
        return hand_on(dissect_vlan);
    }
    return protocol == kEthP8022 ? hand_on(dissect_llc) : by_ether_type(protocol, dissection);
}

}  // namespace

Step dissect_sll(ByteReader& reader, Dissection& dissection) {
    reader.skip(2);  // direction
    const std::uint16_t hardware_type = reader.u16();
    reader.skip(10);  // link-layer address and its length
    const std::uint16_t protocol = reader.u16();
    return by_protocol(hardware_type, protocol, reader, dissection);
}

Step dissect_sll2(ByteReader& reader, Dissection& dissection) {
    const std::uint16_t protocol = reader.u16();
    reader.skip(6);  // reserved, interface
    const std::uint16_t hardware_type = reader.u16();
    reader.skip(10);  // direction, link-layer address and its length
    return by_protocol(hardware_type, protocol, reader, dissection);
}

}  // namespace tcpeek
