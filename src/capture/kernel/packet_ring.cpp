#include "capture/packet_ring.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

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
    void add(const tcpeek_record& record, Bytes octets);
    void hand_on();

    ring_buffer* ring_ = nullptr;
    // Of the read that is under way.
    std::size_t limit_ = 0;
    std::size_t taken_ = 0;
    Duration wall_offset_;
    const Visitor* visit_ = nullptr;
    // Packets that wait for others. The ring takes the place of each back at once, so their octets
    // are copied, one after another.
    std::array<Packet, kBatch> packets_;
    std::array<std::size_t, kBatch> ends_{};
    std::size_t waiting_ = 0;
    std::vector<std::uint8_t> octets_;
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
    hand_on();
    return taken_;
}

int PacketRing::Consumer::take(void* self, void* data, std::size_t size) {
    auto& consumer = *static_cast<Consumer*>(self);
    tcpeek_record record{};
    std::memcpy(&record, data, sizeof record);
    const std::span<const std::uint8_t> octets(
        static_cast<const std::uint8_t*>(data) + sizeof record, size - sizeof record);
    consumer.add(record, octets.first(record.captured_length));
    if (consumer.waiting_ == kBatch) {
        consumer.hand_on();
    }
    return ++consumer.taken_ == consumer.limit_ ? -ECANCELED : 0;
}

void PacketRing::Consumer::add(const tcpeek_record& record, Bytes octets) {
    const bool tagged =
        record.vlan_protocol != 0 && record.is_raw_ip == 0 && octets.size() >= kAddresses;
    Packet& packet = packets_[waiting_];
    packet.interface_index = record.interface_index;
    packet.entered = record.is_entered != 0;
    packet.frame.original_length = record.original_length + (tagged ? kTag : 0);
    packet.frame.time = Timestamp{static_cast<std::int64_t>(record.time)} + wall_offset_;
    packet.frame.link_type = record.is_raw_ip != 0 ? kRawIp : kEthernet;
    if (tagged) {
        const std::array<std::uint8_t, kTag> tag{
            static_cast<std::uint8_t>(record.vlan_protocol >> 8U),
            static_cast<std::uint8_t>(record.vlan_protocol & 0xffU),
            static_cast<std::uint8_t>(record.vlan_tag >> 8U),
            static_cast<std::uint8_t>(record.vlan_tag & 0xffU)};
        const Bytes addresses = octets.first(kAddresses);
        octets_.insert(octets_.end(), addresses.begin(), addresses.end());
        octets_.insert(octets_.end(), tag.begin(), tag.end());
        octets = octets.subspan(kAddresses);
    }
    octets_.insert(octets_.end(), octets.begin(), octets.end());
    ends_[waiting_++] = octets_.size();
}

void PacketRing::Consumer::hand_on() {
    if (waiting_ == 0) {
        return;
    }
    std::size_t start = 0;
    for (std::size_t i = 0; i < waiting_; ++i) {
        packets_[i].frame.bytes = Bytes(octets_).subspan(start, ends_[i] - start);
        start = ends_[i];
    }
    (*visit_)(std::span(packets_).first(std::exchange(waiting_, 0)));
    octets_.clear();
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
