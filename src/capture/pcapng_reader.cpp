#include "capture/pcapng_reader.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "capture/file_fields.h"
#include "capture/pcap_limits.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;  // the same in both byte orders
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kOldPacket = 2;
constexpr std::uint32_t kSimplePacket = 3;
constexpr std::uint32_t kEnhancedPacket = 6;

constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;

// Every block: type, length, body, length once more.
constexpr std::uint32_t kBlockHeaderSize = 8;
constexpr std::uint32_t kTrailerSize = 4;
constexpr std::uint32_t kSmallestBlock = kBlockHeaderSize + kTrailerSize;
constexpr std::uint32_t kSectionHeaderBodySize = 16;
constexpr std::uint32_t kSmallestSectionHeader = kSmallestBlock + kSectionHeaderBodySize;

// Blocks that are interpreted lie in memory as a whole. libpcap's limit, for all link types: the
// options around a packet may be longer than the packet.
constexpr std::uint32_t kLargestBlock = 16 * 1024 * 1024;

// An Enhanced Packet Block could name 2^32 interfaces; files describe a few. The limit keeps a
// damaged file of nothing but descriptions from filling the memory.
constexpr std::size_t kMostInterfaces = 65'536;

bool is_interpreted(std::uint32_t type) {
    return type == kEnhancedPacket || type == kSimplePacket || type == kOldPacket ||
           type == kInterfaceDescription || type == kSectionHeader;
}

// The byte order of a section, from the magic number behind its header's type and length.
std::optional<std::endian> section_order(Bytes start) {
    for (const std::endian order : {std::endian::little, std::endian::big}) {
        if (FileFields(start, order).u32(kBlockHeaderSize) == kByteOrderMagic) {
            return order;
        }
    }
    return std::nullopt;
}

// An Enhanced Packet Block from its beginning on.
struct EnhancedHeader {
    static constexpr std::size_t kSize = 28;

    std::uint32_t type = 0;
    std::uint32_t length = 0;
    std::uint32_t interface = 0;
    std::uint32_t ticks_high = 0;
    std::uint32_t ticks_low = 0;
    std::uint32_t captured = 0;
    std::uint32_t original = 0;
};

template <bool Swapped>
EnhancedHeader load_header(const std::uint8_t* octets) {
    const auto word = [octets](std::size_t n) { return load_file_word<Swapped>(octets + n * 4); };
    return {word(0), word(1), word(2), word(3), word(4), word(5), word(6)};
}

}  // namespace

bool PcapngReader::recognises(Bytes start) {
    return start.size() >= kSmallestBlock &&
           FileFields(start, std::endian::little).u32(0) == kSectionHeader &&
           section_order(start).has_value();
}

// The length at the end of the very first block is not looked at, as libpcap does not: a program
// that writes it wrongly may never have met a reader that minds.
std::optional<FileStep> PcapngReader::open(FileInput& input) {
    if (const Outcome outcome = read_block_header(input)) {
        return outcome;
    }
    if (!input.need(block_length_)) {
        return FileStep::starved;
    }
    held_ = block_length_;
    return start_section(input.bytes().subspan(kBlockHeaderSize, kSectionHeaderBodySize));
}

FileStep PcapngReader::next(FileInput& input, Frame& frame) {
    for (;;) {
        if (const Outcome outcome = finish_block(input)) {
            return *outcome;
        }
        if (const Outcome outcome = begin_block(input)) {
            return *outcome;
        }
        if (skipping_) {
            continue;
        }
        const Bytes body = input.bytes().subspan(kBlockHeaderSize, block_length_ - kSmallestBlock);
        if (const Outcome outcome = interpret_block(body, frame)) {
            return *outcome;
        }
    }
}

std::size_t PcapngReader::next_in_memory(FileInput& input, std::span<Frame> frames) {
    if (skipping_) {
        return 0;
    }
    return order_ == std::endian::native ? take_whole_packets<false>(input, frames)
                                         : take_whole_packets<true>(input, frames);
}

// The same as `next`, for many Enhanced Packet Blocks.
template <bool Swapped>
std::size_t PcapngReader::take_whole_packets(FileInput& input, std::span<Frame> frames) {
    constexpr std::size_t kSmallest = EnhancedHeader::kSize + kTrailerSize;
    input.consume(std::exchange(held_, 0));
    const Bytes bytes = input.bytes();
    std::size_t taken = 0;   // octets
    std::uint32_t last = 0;  // of them, those of the last block
    std::size_t count = 0;
    for (Frame& frame : frames) {
        const std::uint8_t* const block = bytes.data() + taken;
        const std::size_t left = bytes.size() - taken;
        if (left < kSmallest) {
            break;
        }
        const EnhancedHeader header = load_header<Swapped>(block);
        const std::size_t length = header.length;
        if (header.type != kEnhancedPacket || length % 4 != 0 || length < kSmallest ||
            length > std::min<std::size_t>(left, kLargestBlock) ||
            header.captured > length - kSmallest || header.interface >= interfaces_.size() ||
            load_file_word<Swapped>(block + length - kTrailerSize) != header.length) {
            break;
        }
        const PcapngInterface& interface = interfaces_[header.interface];
        frame.bytes = {block + EnhancedHeader::kSize, header.captured};
        frame.original_length = header.original;
        frame.time = interface.clock.at(std::uint64_t{header.ticks_high} << 32U | header.ticks_low);
        frame.link_type = interface.link_type;
        frame.interface = interface.id;
        last = header.length;
        taken += last;
        ++count;
    }
    input.consume(taken - last);
    held_ = last;
    return count;
}

PcapngReader::Outcome PcapngReader::finish_block(FileInput& input) {
    input.consume(std::exchange(held_, 0));
    if (!skipping_) {
        return std::nullopt;
    }
    if (!input.need(kTrailerSize)) {
        return FileStep::starved;
    }
    if (const Outcome outcome = check_trailer(input.bytes())) {
        return outcome;
    }
    input.consume(kTrailerSize);
    skipping_ = false;
    return std::nullopt;
}

PcapngReader::Outcome PcapngReader::begin_block(FileInput& input) {
    if (const Outcome outcome = read_block_header(input)) {
        return outcome;
    }
    if (!is_interpreted(block_type_)) {
        input.consume(block_length_ - kTrailerSize);
        skipping_ = true;
        return std::nullopt;
    }
    if (!input.need(block_length_)) {
        return FileStep::starved;
    }
    held_ = block_length_;
    return check_trailer(input.bytes().subspan(block_length_ - kTrailerSize));
}

PcapngReader::Outcome PcapngReader::read_block_header(FileInput& input) {
    block_start_ = input.position();
    if (!input.need(kSmallestBlock)) {
        return FileStep::starved;
    }
    block_type_ = FileFields(input.bytes(), order_).u32(0);
    const bool starts_section = block_type_ == kSectionHeader;
    if (starts_section) {
        const auto order = section_order(input.bytes());
        if (!order) {
            return give_up("begins a section without a byte-order magic number");
        }
        order_ = *order;
    }
    block_length_ = FileFields(input.bytes(), order_).u32(4);
    return check_length(starts_section);
}

PcapngReader::Outcome PcapngReader::check_length(bool starts_section) {
    const std::uint32_t smallest = starts_section ? kSmallestSectionHeader : kSmallestBlock;
    if (block_length_ < smallest) {
        return give_up(
            fmt::format("claims a length of {} bytes, less than {}", block_length_, smallest));
    }
    if (block_length_ % 4 != 0) {
        return give_up(
            fmt::format("claims a length of {} bytes, not a multiple of 4", block_length_));
    }
    if (block_length_ > kLargestBlock && is_interpreted(block_type_)) {
        return give_up(
            fmt::format("claims a length of {} bytes, more than {}", block_length_, kLargestBlock));
    }
    return std::nullopt;
}

PcapngReader::Outcome PcapngReader::check_trailer(Bytes trailer) {
    const std::uint32_t repeated = FileFields(trailer, order_).u32(0);
    if (repeated == block_length_) {
        return std::nullopt;
    }
    return give_up(fmt::format("claims a length of {} bytes at its start and of {} at its end",
                               block_length_, repeated));
}

PcapngReader::Outcome PcapngReader::interpret_block(Bytes body, Frame& frame) {
    switch (block_type_) {
        case kEnhancedPacket:
        case kOldPacket:
            return enhanced_packet(body, frame);
        case kSimplePacket:
            return simple_packet(body, frame);
        case kInterfaceDescription:
            return add_interface(body);
        case kSectionHeader:
            return start_section(body);
    }
    return std::nullopt;
}

PcapngReader::Outcome PcapngReader::start_section(Bytes body) {
    const FileFields fields(body, order_);
    const std::uint16_t major = fields.u16(4);
    // A new minor version may only add what old readers can skip.
    if (major != 1) {
        return give_up(fmt::format("begins a section of pcapng version {}.{}, and tcpeek reads 1.x",
                                   major, fields.u16(6)));
    }
    interfaces_.clear();
    return std::nullopt;
}

PcapngReader::Outcome PcapngReader::add_interface(Bytes body) {
    if (interfaces_.size() >= kMostInterfaces) {
        return give_up(fmt::format("describes one interface more than {}", kMostInterfaces));
    }
    const auto interface = PcapngInterface::parse(body, order_, *names_);
    if (!interface) {
        return give_up(interface.error().message);
    }
    interfaces_.push_back(interface.value());
    return std::nullopt;
}

// Also for the old Packet Block, whose interface number is shorter and followed by a drop count.
PcapngReader::Outcome PcapngReader::enhanced_packet(Bytes body, Frame& frame) {
    constexpr std::size_t kFixedSize = 20;
    if (body.size() < kFixedSize) {
        return too_short();
    }
    const FileFields fields(body, order_);
    Packet packet;
    packet.interface = block_type_ == kOldPacket ? fields.u16(0) : fields.u32(0);
    packet.ticks = std::uint64_t{fields.u32(4)} << 32U | fields.u32(8);
    packet.captured = fields.u32(12);
    packet.original = fields.u32(16);
    packet.data_offset = kFixedSize;
    return hand_out(packet, body, frame);
}

// Belongs to the first interface, is cut at its snapshot length, and has no time: it is given the
// interface's time 0, as libpcap does.
PcapngReader::Outcome PcapngReader::simple_packet(Bytes body, Frame& frame) {
    constexpr std::size_t kFixedSize = 4;
    if (body.size() < kFixedSize) {
        return too_short();
    }
    Packet packet;
    packet.original = FileFields(body, order_).u32(0);
    packet.captured = interfaces_.empty()
                          ? packet.original
                          : std::min(packet.original, interfaces_.front().snapshot_length);
    packet.data_offset = kFixedSize;
    return hand_out(packet, body, frame);
}

// A packet may be longer than its interface's snapshot length (merged files): it is there, so it
// is handed out whole.
PcapngReader::Outcome PcapngReader::hand_out(const Packet& packet, Bytes body, Frame& frame) {
    if (packet.interface >= interfaces_.size()) {
        return give_up(fmt::format("holds a packet of interface {}, and its section describes {}",
                                   packet.interface, interfaces_.size()));
    }
    if (packet.captured > body.size() - packet.data_offset) {
        return too_short();
    }
    const PcapngInterface& interface = interfaces_[packet.interface];
    frame.bytes = body.subspan(packet.data_offset, packet.captured);
    frame.original_length = packet.original;
    frame.time = interface.clock.at(packet.ticks);
    frame.link_type = interface.link_type;
    frame.interface = interface.id;
    return FileStep::frame;
}

PcapngReader::Outcome PcapngReader::too_short() {
    return give_up(fmt::format("is too short with {} bytes for the packet that it claims to hold",
                               block_length_));
}

PcapngReader::Outcome PcapngReader::give_up(std::string flaw) {
    flaw_ = fmt::format("the block at byte {} {}", block_start_, flaw);
    return FileStep::flawed;
}

}  // namespace tcpeek
