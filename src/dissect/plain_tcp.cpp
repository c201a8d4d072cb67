#include "dissect/plain_tcp.h"

#include <algorithm>
#include <utility>

#include "dissect/ip/tcp_options.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kEthernet = 1;  // LINKTYPE_ETHERNET
constexpr std::size_t kEthernetHeader = 14;
constexpr std::size_t kIpv4Header = 20;
constexpr std::size_t kIpv6Header = 40;
constexpr std::size_t kTcpHeader = 20;
constexpr std::uint8_t kProtocolTcp = 6;

template <std::size_t Size>
FixedHeader<Size> header_at(Bytes bytes, std::size_t offset) {
    return FixedHeader<Size>(std::span<const std::uint8_t, Size>(bytes.data() + offset, Size));
}

// `bytes` begins with the TCP header, of which the fixed part is there, and ends with the datagram
// or the capture; `length` is what the IP header says.
bool read_tcp(Bytes bytes, std::uint32_t length, Segment& segment) {
    const auto header = header_at<kTcpHeader>(bytes, 0);
    const std::uint32_t header_length = (header.u8<12>() >> 4U) * 4U;
    if (header_length < kTcpHeader || header_length > length) {
        return false;
    }
    segment.source.port = header.u16<0>();
    segment.destination.port = header.u16<2>();
    segment.seq = {header.u32<4>()};
    segment.ack = {header.u32<8>()};
    segment.flags = {header.u8<13>()};
    segment.payload_length = length - header_length;
    if (header_length > kTcpHeader) {
        const std::size_t captured = std::min<std::size_t>(bytes.size(), header_length);
        read_tcp_options(bytes.subspan(kTcpHeader, captured - kTcpHeader), segment);
    }
    return true;
}

// A Segment to fill, as new.
Segment& fresh_segment(Dissected& result) {
    if (auto* segment = std::get_if<Segment>(&result)) {
        *segment = Segment{};
        return *segment;
    }
    return result.emplace<Segment>();
}

bool read_ipv4(Bytes bytes, Dissected& result) {
    constexpr std::uint16_t kFragment = 0x3fff;  // more fragments, or an offset
    if (bytes.size() < kEthernetHeader + kIpv4Header + kTcpHeader) {
        return false;
    }
    const auto header = header_at<kIpv4Header>(bytes, kEthernetHeader);
    const std::uint16_t total_length = header.u16<2>();
    if (header.u8<0>() != 0x45 || header.u8<9>() != kProtocolTcp ||
        (header.u16<6>() & kFragment) != 0 || total_length < kIpv4Header + kTcpHeader) {
        return false;
    }
    const Bytes rest = bytes.subspan(kEthernetHeader + kIpv4Header);
    const std::uint32_t length = total_length - static_cast<std::uint32_t>(kIpv4Header);
    Segment& segment = fresh_segment(result);
    segment.source.address = IpAddress::v4(header.octets<12, 4>());
    segment.destination.address = IpAddress::v4(header.octets<16, 4>());
    segment.has_ip_id = true;
    segment.ip_id = header.u16<4>();
    return read_tcp(rest.first(std::min<std::size_t>(rest.size(), length)), length, segment);
}

bool read_ipv6(Bytes bytes, Dissected& result) {
    if (bytes.size() < kEthernetHeader + kIpv6Header + kTcpHeader) {
        return false;
    }
    const auto header = header_at<kIpv6Header>(bytes, kEthernetHeader);
    const std::uint32_t length = header.u16<4>();
    if (header.u8<0>() >> 4U != 6 || header.u8<6>() != kProtocolTcp || length < kTcpHeader) {
        return false;
    }
    const Bytes rest = bytes.subspan(kEthernetHeader + kIpv6Header);
    Segment& segment = fresh_segment(result);
    segment.source.address = IpAddress::v6(header.octets<8, 16>());
    segment.destination.address = IpAddress::v6(header.octets<24, 16>());
    return read_tcp(rest.first(std::min<std::size_t>(rest.size(), length)), length, segment);
}

}  // namespace

bool dissect_plain_tcp(const Frame& frame, Dissected& result) {
    if (frame.link_type.number != kEthernet || frame.bytes.size() < kEthernetHeader) {
        return false;
    }
    switch (header_at<kEthernetHeader>(frame.bytes, 0).u16<12>()) {
        case 0x0800:
            return read_ipv4(frame.bytes, result);
        case 0x86dd:
            return read_ipv6(frame.bytes, result);
    }
    return false;
}

}  // namespace tcpeek
