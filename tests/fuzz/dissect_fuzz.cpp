// Any bytes through the dissector: the first octets choose link type, options and wire length. The
// short way for plain frames must say what the layers say.
#include <array>
#include <cstddef>
#include <cstdint>

#include "dissect/dissect.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::array<std::uint32_t, 10> kLinkTypes{0,   1,   12,  14,  101,
                                                              108, 113, 228, 229, 276};
    if (size < 3) {
        return 0;
    }
    tcpeek::Frame frame;
    frame.link_type = {kLinkTypes[data[0] % kLinkTypes.size()]};
    frame.bytes = tcpeek::Bytes(data, size).subspan(3);
    frame.original_length = static_cast<std::uint32_t>(frame.bytes.size() + data[1]);
    const tcpeek::DissectOptions options{static_cast<tcpeek::ChecksumMode>(data[2] % 3),
                                         (data[2] & 0x80U) != 0};
    tcpeek::Dissected in_layers;
    tcpeek::dissect_in_layers(frame, options, in_layers);
    TCPEEK_ASSERT(tcpeek::dissect(frame, options) == in_layers);
    return 0;
}
