#include "capture/packet_ring.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

#include "bpf/shared.h"

namespace tcpeek {
namespace {

constexpr LinkType kEthernet{1};
constexpr LinkType kRawIp{101};
constexpr std::size_t kAddresses = 12;  // of an Ethernet frame, before a tag
constexpr std::uint32_t kTag = 4;

}  // namespace

class PacketRing::Consumer {
  public:
    ~Consumer() { ring_buffer__free(ring_); }
    Consumer() = default;
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;

    Result<void> open(int map);
    [[nodiscard]] int descriptor() const { return ring_buffer__epoll_fd(ring_); }
    std::size_t read(std::size_t limit, Duration wall_offset, const Visitor& visit);

  private:
    static int take(void* self, void* data, std::size_t size);
    void hand_on(const tcpeek_record& record, Bytes octets);
    [[nodiscard]] Bytes with_tag(const tcpeek_record& record, Bytes octets);

    ring_buffer* ring_ = nullptr;
    // Of the read that is under way.
    std::size_t limit_ = 0;
    std::size_t taken_ = 0;
    Duration wall_offset_;
    const Visitor* visit_ = nullptr;
    std::vector<std::uint8_t> tagged_;  // a frame with its tag put back
};

Result<void> PacketRing::Consumer::open(int map) {
    ring_ = ring_buffer__new(map, &Consumer::take, this, nullptr);
    if (ring_ == nullptr) {
        return Error{fmt::format("the ring of packets cannot be read: {}", std::strerror(errno))};
    }
    return {};
}

std::size_t PacketRing::Consumer::read(std::size_t limit, Duration wall_offset,
                                       const Visitor& visit) {
    limit_ = limit;
    taken_ = 0;
    wall_offset_ = wall_offset;
    visit_ = &visit;
    // The record with which `take` says stop is taken, too.
    static_cast<void>(ring_buffer__consume(ring_));
    return taken_;
}

int PacketRing::Consumer::take(void* self, void* data, std::size_t size) {
    auto& consumer = *static_cast<Consumer*>(self);
    tcpeek_record record{};
    std::memcpy(&record, data, sizeof record);
    const std::span<const std::uint8_t> octets(
        static_cast<const std::uint8_t*>(data) + sizeof record, size - sizeof record);
    consumer.hand_on(record, octets.first(record.captured_length));
    return ++consumer.taken_ == consumer.limit_ ? -ECANCELED : 0;
}

void PacketRing::Consumer::hand_on(const tcpeek_record& record, Bytes octets) {
    const bool tagged =
        record.vlan_protocol != 0 && record.is_raw_ip == 0 && octets.size() >= kAddresses;
    Packet packet;
    packet.interface_index = record.interface_index;
    packet.entered = record.is_entered != 0;
    Frame& frame = packet.frame;
    frame.bytes = tagged ? with_tag(record, octets) : octets;
    frame.original_length = record.original_length + (tagged ? kTag : 0);
    frame.time = Timestamp{static_cast<std::int64_t>(record.time)} + wall_offset_;
    frame.link_type = record.is_raw_ip != 0 ? kRawIp : kEthernet;
    (*visit_)(packet);
}

Bytes PacketRing::Consumer::with_tag(const tcpeek_record& record, Bytes octets) {
    const std::array<std::uint8_t, kTag> tag{
        static_cast<std::uint8_t>(record.vlan_protocol >> 8U),
        static_cast<std::uint8_t>(record.vlan_protocol & 0xffU),
        static_cast<std::uint8_t>(record.vlan_tag >> 8U),
        static_cast<std::uint8_t>(record.vlan_tag & 0xffU)};
    const Bytes addresses = octets.first(kAddresses);
    const Bytes rest = octets.subspan(kAddresses);
    tagged_.assign(addresses.begin(), addresses.end());
    tagged_.insert(tagged_.end(), tag.begin(), tag.end());
    tagged_.insert(tagged_.end(), rest.begin(), rest.end());
    return tagged_;
}

Result<std::unique_ptr<PacketRing>> PacketRing::open(KernelFilter& filter) {
    auto consumer = std::make_unique<Consumer>();
    if (const Result<void> opened = consumer->open(filter.ring()); !opened) {
        return opened.error();
    }
    return std::unique_ptr<PacketRing>(new PacketRing(std::move(consumer)));
}

PacketRing::PacketRing(std::unique_ptr<Consumer> consumer) : consumer_(std::move(consumer)) {}

PacketRing::~PacketRing() = default;

int PacketRing::descriptor() const {
    return consumer_->descriptor();
}

std::size_t PacketRing::read(std::size_t limit, Duration wall_offset, const Visitor& visit) {
    return consumer_->read(limit, wall_offset, visit);
}

}  // namespace tcpeek
