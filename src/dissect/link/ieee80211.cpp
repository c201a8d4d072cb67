// IEEE 802.11 data frames in the clear (IEEE 802.11-2020 9.2, 9.3.2), bare or behind a radiotap
// header (https://www.radiotap.org). Their fields are little-endian.
#include <algorithm>

#include "dissect/layers.h"

namespace tcpeek {
namespace {

// What the radiotap header says about the frame behind it.
struct RadioFrame {
    bool padded = false;  // the body begins at a multiple of four octets
    bool has_fcs = false;
};

std::uint16_t little_endian_u16(ByteReader& reader) {
    const std::uint16_t low = reader.u8();
    return static_cast<std::uint16_t>(low | reader.u8() << 8U);
}

std::uint32_t little_endian_u32(ByteReader& reader) {
    const std::uint32_t low = little_endian_u16(reader);
    return low | std::uint32_t{little_endian_u16(reader)} << 16U;
}

// The frame control field (9.2.4.1).
struct FrameControl {
    std::uint16_t bits;

    [[nodiscard]] bool is_data() const { return (bits & 0x000cU) == 0x0008; }
    [[nodiscard]] bool without_body() const { return (bits & 0x0040U) != 0; }
    [[nodiscard]] bool is_qos() const { return (bits & 0x0080U) != 0; }
    [[nodiscard]] bool to_ds() const { return (bits & 0x0100U) != 0; }
    [[nodiscard]] bool from_ds() const { return (bits & 0x0200U) != 0; }
    [[nodiscard]] bool more_fragments() const { return (bits & 0x0400U) != 0; }
    [[nodiscard]] bool is_protected() const { return (bits & 0x4000U) != 0; }
    [[nodiscard]] bool has_ht_control() const { return (bits & 0x8000U) != 0; }
};

Step dissect_frame(ByteReader& reader, Dissection& dissection, const RadioFrame& radio) {
    const std::size_t before = reader.remaining();
    const FrameControl control{little_endian_u16(reader)};
    reader.skip(20);  // duration, three addresses
    const std::uint16_t sequence_control = little_endian_u16(reader);
    if (!reader.ok()) {
        // Acknowledgements and their like are shorter than that.
        return control.is_data() ? run_out(dissection, Layer::link)
                                 : ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    if (!control.is_data() || control.without_body()) {
        return ignore(dissection, IgnoredReason::protocol_not_ip);
    }
    if (control.is_protected()) {
        return ignore(dissection, IgnoredReason::encrypted);
    }
    if ((sequence_control & 0x000fU) != 0) {
        return ignore(dissection, IgnoredReason::fragment_later);
    }
    dissection.outer_fragment = dissection.outer_fragment || control.more_fragments();
    if (control.to_ds() && control.from_ds()) {
        reader.skip(6);  // fourth address
    }
    const std::uint16_t qos = control.is_qos() ? little_endian_u16(reader) : std::uint16_t{0};
    if (control.is_qos() && control.has_ht_control()) {
        reader.skip(4);
    }
    if (radio.padded) {
        reader.skip((4 - (before - reader.remaining()) % 4) % 4);
    }
    constexpr std::uint16_t kAggregated = 0x0080;
    if ((qos & kAggregated) != 0) {
        reader.skip(14);  // of the first subframe: addresses and length (9.3.2.2.2)
    }
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (radio.has_fcs && dissection.frame.original_length == dissection.frame.bytes.size()) {
        const Bytes rest = reader.rest();
        reader = ByteReader(rest.first(rest.size() - std::min<std::size_t>(rest.size(), 4)));
    }
    return hand_on(dissect_llc);
}

}  // namespace

Step dissect_ieee80211(ByteReader& reader, Dissection& dissection) {
    return dissect_frame(reader, dissection, {});
}

Step dissect_radiotap(ByteReader& reader, Dissection& dissection) {
    constexpr std::uint32_t kTsft = 1;
    constexpr std::uint32_t kFlags = 2;
    constexpr std::uint32_t kAnotherWord = 0x80000000;
    const std::size_t whole = reader.remaining();
    const std::uint8_t version = reader.u8();
    reader.skip(1);
    const std::uint16_t length = little_endian_u16(reader);
    const std::uint32_t present = little_endian_u32(reader);
    for (std::uint32_t word = present; (word & kAnotherWord) != 0;) {
        word = little_endian_u32(reader);
    }
    const std::size_t fields_at = whole - reader.remaining();
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    if (version != 0 || length < fields_at) {
        return reject(dissection, Layer::link);
    }
    Bytes fields = reader.take(length - fields_at);
    if (!reader.ok()) {
        return run_out(dissection, Layer::link);
    }
    RadioFrame radio;
    if ((present & kFlags) != 0) {
        ByteReader field(fields);
        if ((present & kTsft) != 0) {
            field.skip((8 - fields_at % 8) % 8 + 8);
        }
        const std::uint8_t flags = field.u8();
        radio.has_fcs = (flags & 0x10U) != 0;
        radio.padded = (flags & 0x20U) != 0;
        if ((flags & 0x40U) != 0) {  // the frame check sequence did not fit
            return reject(dissection, Layer::link);
        }
    }
    return dissect_frame(reader, dissection, radio);
}

}  // namespace tcpeek
