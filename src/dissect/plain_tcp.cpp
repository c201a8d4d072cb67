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

// The fixed parts of all headers of a frame.
constexpr std::size_t kTcpOverIpv4 = kEthernetHeader + kIpv4Header + kTcpHeader;
constexpr std::size_t kTcpOverIpv6 = kEthernetHeader + kIpv6Header + kTcpHeader;

template <std::size_t Size>
FixedHeader<Size> header_at(Bytes bytes, std::size_t offset) {
    return FixedHeader<Size>(std::span<const std::uint8_t, Size>(bytes.data() + offset, Size));
}

// A Segment to fill; what it held before is still there.
Segment& segment_in(Dissected& result) {
    auto* const segment = std::get_if<Segment>(&result);
    return segment != nullptr ? *segment : result.emplace<Segment>();
}

// Octets of the TCP header, as the upper half of its octet 12 says in words of four.
constexpr std::uint32_t tcp_header_length(std::uint32_t data_offset) {
    return (data_offset >> 2U) & 0x3cU;
}
constexpr std::uint32_t kShortestTcp = 0x50;  // as that octet says it

// These return true, so that calling them can be the last that is done. Not inlined, since the
// search needs room that segments without options do without.
[[gnu::noinline]] bool search_options(Bytes options, Segment& segment) {
    read_tcp_options(options, segment);
    return true;
}

// `options` begins behind the fixed part of the TCP header and ends with the header or the capture.
bool read_options(Bytes options, Segment& segment) {
    // Two that do nothing, then timestamps: so nearly every segment of nearly every system begins
    // (RFC 7323 appendix A).
    constexpr std::uint32_t kUsual = 0x0101080a;
    constexpr std::size_t kUsualSize = 12;
    if (options.size() >= kUsualSize) {
        const auto usual = header_at<kUsualSize>(options, 0);
        if (usual.u32<0>() == kUsual) {
            segment.has_timestamps = true;
            segment.timestamps = {usual.u32<4>(), usual.u32<8>()};
            return true;
        }
    }
    return search_options(options, segment);
}

// Fills all but the addresses and the IP identification. The TCP header's fixed part is the last of
// `headers`, with which `bytes` begins.
template <std::size_t Size>
bool read_tcp(Bytes bytes, const FixedHeader<Size>& headers, std::uint32_t data_offset,
              std::uint32_t payload_length, Segment& segment) {
    constexpr std::size_t kTcp = Size - kTcpHeader;
    segment.source.port = headers.template u16<kTcp>();
    segment.destination.port = headers.template u16<kTcp + 2>();
    segment.seq = {headers.template u32<kTcp + 4>()};
    segment.ack = {headers.template u32<kTcp + 8>()};
    segment.flags = {headers.template u8<kTcp + 13>()};
    segment.payload_length = payload_length;
    segment.has_timestamps = false;
    segment.checksum_unverified = false;
    segment.timestamps = {};
    segment.encapsulation = {};
    if (data_offset < kShortestTcp + 0x10) {
        return true;
    }
    const std::size_t claimed = tcp_header_length(data_offset) - kTcpHeader;
    return read_options({bytes.data() + Size, std::min(bytes.size() - Size, claimed)}, segment);
}

// `bytes` is long enough and begins with an IPv4 header without options.
bool read_ipv4(Bytes bytes, Dissected& result) {
    constexpr std::size_t kIp = kEthernetHeader;
    const auto headers = header_at<kTcpOverIpv4>(bytes, 0);
    const std::uint32_t data_offset = headers.u8<kIp + kIpv4Header + 12>();
    const std::int32_t payload_length =
        std::int32_t{headers.u16<kIp + 2>()} -
        static_cast<std::int32_t>(kIpv4Header + tcp_header_length(data_offset));
    // More fragments and fragment offset, then, behind the time to live, the protocol.
    constexpr std::uint32_t kLookedAt = 0x3fff00ff;
    if ((headers.u32<kIp + 6>() & kLookedAt) != kProtocolTcp || data_offset < kShortestTcp ||
        payload_length < 0) {
        return false;
    }
    Segment& segment = segment_in(result);
    segment.source.address.assign_v4(headers.octets<kIp + 12, 4>());
    segment.destination.address.assign_v4(headers.octets<kIp + 16, 4>());
    segment.has_ip_id = true;
    segment.ip_id = headers.u16<kIp + 4>();
    return read_tcp(bytes, headers, data_offset, static_cast<std::uint32_t>(payload_length),
                    segment);
}

// `bytes` is at least as long as the headers of IPv4 and begins with an IPv6 header.
bool read_ipv6(Bytes bytes, Dissected& result) {
    constexpr std::size_t kIp = kEthernetHeader;
    if (bytes.size() < kTcpOverIpv6) {
        return false;
    }
    const auto headers = header_at<kTcpOverIpv6>(bytes, 0);
    const std::uint32_t data_offset = headers.u8<kIp + kIpv6Header + 12>();
    const std::int32_t payload_length = std::int32_t{headers.u16<kIp + 4>()} -
                                        static_cast<std::int32_t>(tcp_header_length(data_offset));
    if (headers.u8<kIp + 6>() != kProtocolTcp || data_offset < kShortestTcp || payload_length < 0) {
        return false;
    }
    Segment& segment = segment_in(result);
    segment.source.address = IpAddress::v6(headers.octets<kIp + 8, 16>());
    segment.destination.address = IpAddress::v6(headers.octets<kIp + 24, 16>());
    segment.has_ip_id = false;
    segment.ip_id = 0;
    return read_tcp(bytes, headers, data_offset, static_cast<std::uint32_t>(payload_length),
                    segment);
}

}  // namespace

bool dissect_plain_tcp(const Frame& frame, Dissected& result) {
    if (frame.link_type.number != kEthernet || frame.bytes.size() < kTcpOverIpv4) {
        return false;
    }
    // EtherType, IP version, for IPv4 the header length; the rest is traffic class.
    const std::uint32_t start = header_at<kTcpOverIpv4>(frame.bytes, 0).u32<12>();
    if ((start & 0xffffff00U) == 0x08004500U) {
        return read_ipv4(frame.bytes, result);
    }
    if ((start & 0xfffff000U) == 0x86dd6000U) {
        return read_ipv6(frame.bytes, result);
    }
    return false;
}

}  // namespace tcpeek
