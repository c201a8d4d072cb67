#include "capture/pcap_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "capture/file_fields.h"
#include "capture/pcap_limits.h"

namespace tcpeek {
namespace {

// One kind of pcap file, told by its first four bytes.
struct Variant {
    std::uint32_t magic;
    std::uint32_t file_header_size;
    std::uint32_t record_header_size;
    std::uint32_t ns_per_fraction;
    bool with_interface;  // Kuznetzov's: records also carry interface, protocol and packet type
};

constexpr std::array<Variant, 5> kVariants{{
    {0xa1b2c3d4, 24, 16, 1'000, false},
    {0xa1b23c4d, 24, 16, 1, false},
    // Alexey Kuznetzov's patch to libpcap of 1999.
    {0xa1b2cd34, 24, 24, 1'000, true},
    // Ixia's lcap by software and by hardware; the file header ends with the size of all records.
    {0x1c0001ab, 28, 16, 1'000, false},
    {0x1c0001ac, 28, 16, 1, false},
}};

constexpr std::size_t kMagicSize = 4;
constexpr LinkType kEthernet{1};

// The link type's upper six bits tell of a frame check sequence behind each packet.
constexpr std::uint32_t kLinkTypeMask = 0x03ffffff;

struct Recognised {
    const Variant* variant = nullptr;
    std::endian order = std::endian::little;
};

Recognised recognise(Bytes magic) {
    for (const std::endian order : {std::endian::little, std::endian::big}) {
        const std::uint32_t number = FileFields(magic, order).u32(0);
        const auto variant = std::find_if(kVariants.begin(), kVariants.end(),
                                          [&](const Variant& v) { return v.magic == number; });
        if (variant != kVariants.end()) {
            return {&*variant, order};
        }
    }
    return {};
}

// A capture in cooked mode was cut at the snapshot length before an Ethernet header was put in
// front of it, so its packets may be longer by that header.
std::uint32_t with_ethernet_header(std::uint32_t snapshot_length) {
    constexpr std::uint32_t kEthernetHeader = 14;
    constexpr std::uint32_t kMost = std::numeric_limits<std::int32_t>::max();
    return std::min(snapshot_length, kMost - kEthernetHeader) + kEthernetHeader;
}

// What every record begins with; the lengths as they stand.
struct RecordHeader {
    std::uint32_t seconds = 0;
    std::uint32_t fraction = 0;
    std::array<std::uint32_t, 2> lengths{};
};

template <bool Swapped>
RecordHeader load_header(const std::uint8_t* octets) {
    const auto word = [octets](std::size_t n) { return load_file_word<Swapped>(octets + n * 4); };
    return {word(0), word(1), {word(2), word(3)}};
}

}  // namespace

bool PcapReader::recognises(Bytes magic) {
    return magic.size() >= kMagicSize && recognise(magic).variant != nullptr;
}

Result<std::optional<PcapReader>> PcapReader::open(FileInput& input) {
    if (!input.need(kMagicSize)) {
        return std::optional<PcapReader>();
    }
    const auto [variant, order] = recognise(input.bytes());
    TCPEEK_ASSERT(variant != nullptr);
    if (!input.need(variant->file_header_size)) {
        return std::optional<PcapReader>();
    }
    const FileFields header(input.bytes(), order);
    const std::uint16_t major = header.u16(4);
    const std::uint16_t minor = header.u16(6);
    const auto length_order = PcapReader::length_order(major, minor);
    if (!length_order) {
        return Error{fmt::format("is a pcap file of version {}.{}, and tcpeek reads 2.0 to 2.4",
                                 major, minor)};
    }
    PcapReader reader;
    reader.order_ = order;
    reader.length_order_ = *length_order;
    reader.record_header_size_ = variant->record_header_size;
    reader.ns_per_fraction_ = variant->ns_per_fraction;
    reader.link_type_ = LinkType{header.u32(20) & kLinkTypeMask};
    reader.largest_packet_ = largest_packet(reader.link_type_);
    reader.snapshot_length_ = effective_snapshot_length(reader.link_type_, header.u32(16));
    if (variant->with_interface && reader.link_type_ == kEthernet) {
        reader.snapshot_length_ = with_ethernet_header(reader.snapshot_length_);
    }
    input.consume(variant->file_header_size);
    return std::optional<PcapReader>(std::move(reader));
}

std::optional<PcapReader::LengthOrder> PcapReader::length_order(std::uint16_t major,
                                                                std::uint16_t minor) {
    if (major == 543 && minor == 0) {  // tcpdump of DG/UX
        return LengthOrder::original_first;
    }
    if (major != 2 || minor > 4) {
        return std::nullopt;
    }
    if (minor == 3) {
        return LengthOrder::smaller_is_captured;
    }
    return minor < 3 ? LengthOrder::original_first : LengthOrder::captured_first;
}

PcapReader::Lengths PcapReader::sort_lengths(std::uint32_t first, std::uint32_t second) const {
    switch (length_order_) {
        case LengthOrder::captured_first:
            return {first, second};
        case LengthOrder::original_first:
            return {second, first};
        case LengthOrder::smaller_is_captured:
            return {std::min(first, second), std::max(first, second)};
    }
    return {first, second};
}

FileStep PcapReader::next(FileInput& input, Frame& frame) {
    input.consume(std::exchange(handed_out_, 0));
    if (!input.need(record_header_size_)) {
        return FileStep::starved;
    }
    const FileFields header(input.bytes(), order_);
    const std::uint32_t seconds = header.u32(0);
    const std::uint32_t fraction = header.u32(4);
    const auto [captured, original] = sort_lengths(header.u32(8), header.u32(12));
    if (captured > largest_packet_) {
        flaw_ = fmt::format("the packet record at byte {} claims {} captured octets, more than {}",
                            input.position(), captured, largest_packet_);
        return FileStep::flawed;
    }
    const std::size_t size = std::size_t{record_header_size_} + captured;
    if (!input.need(size)) {
        return FileStep::starved;
    }
    handed_out_ = size;
    // Beyond the snapshot length there is nothing of the packet: Solaris filled records up there.
    frame.bytes = input.bytes().subspan(record_header_size_, std::min(captured, snapshot_length_));
    frame.original_length = original;
    frame.time = time_of(seconds, fraction);
    frame.link_type = link_type_;
    frame.interface = InterfaceId::none();
    return FileStep::frame;
}

std::size_t PcapReader::next_in_memory(FileInput& input, std::span<Frame> frames) {
    if (length_order_ != LengthOrder::captured_first) {
        return 0;
    }
    return order_ == std::endian::native ? take_whole_records<false>(input, frames)
                                         : take_whole_records<true>(input, frames);
}

// The same as `next`, for many records: what does not change from one to the next is asked once.
template <bool Swapped>
std::size_t PcapReader::take_whole_records(FileInput& input, std::span<Frame> frames) {
    input.consume(std::exchange(handed_out_, 0));
    const Bytes bytes = input.bytes();
    const std::size_t header_size = record_header_size_;
    if (bytes.size() < header_size) {
        return 0;
    }
    const std::uint32_t longest = std::min(largest_packet_, snapshot_length_);
    const std::size_t last_start = bytes.size() - header_size;
    std::size_t start = 0;   // of the record at hand
    std::size_t before = 0;  // start of the record before it
    Frame* frame = frames.data();
    Frame* const stop = frame + frames.size();
    for (; frame != stop && start <= last_start; ++frame) {
        const RecordHeader header = load_header<Swapped>(bytes.data() + start);
        const std::size_t packet = start + header_size;
        const std::uint32_t captured = header.lengths[0];
        const std::size_t end = packet + captured;
        if (captured > longest || end > bytes.size()) {
            break;
        }
        frame->bytes = {bytes.data() + packet, captured};
        frame->original_length = header.lengths[1];
        frame->time = time_of(header.seconds, header.fraction);
        frame->link_type = link_type_;
        frame->interface = InterfaceId::none();
        before = start;
        start = end;
    }
    input.consume(before);
    handed_out_ = start - before;
    return static_cast<std::size_t>(frame - frames.data());
}

}  // namespace tcpeek
