// Linux cooked captures, both versions (https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
// and LINKTYPE_LINUX_SLL2.html).
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint16_t kArphrdNetlink = 824;  // its protocol field is no EtherType

Step by_protocol(std::uint16_t hardware_type, std::uint16_t protocol, const ByteReader& reader,
                 Dissection& dissection) {
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    return hardware_type == kArphrdNetlink ? ignore(dissection, IgnoredReason::protocol_not_ip)
                                           : by_ether_type(protocol, dissection);
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
    reader.skip(2);  // reserved
    dissection.link_interface_index = reader.u32();
    const std::uint16_t hardware_type = reader.u16();
    reader.skip(10);  // direction, link-layer address and its length
    return by_protocol(hardware_type, protocol, reader, dissection);
}

}  // namespace tcpeek
