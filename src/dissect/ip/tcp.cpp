// The TCP header (RFC 9293 3.1): where every good dissection ends.
#include <algorithm>

#include "dissect/ip/checksum.h"
#include "dissect/ip/tcp_options.h"
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kFixedHeader = 20;
constexpr std::uint8_t kProtocolTcp = 6;

enum class Checksum { good, bad, unverified };

Checksum verify(Bytes segment, std::uint16_t field, const Dissection& dissection) {
    if (segment.size() < dissection.ip_payload_length || dissection.first_fragment) {
        return Checksum::unverified;
    }
    InternetSum sum = pseudo_header_sum(dissection.source, dissection.destination,
                                        dissection.ip_payload_length, kProtocolTcp);
    // A host that leaves checksums to its network card captures the unfinished sum.
    if (field == sum.folded()) {
        return Checksum::good;
    }
    sum.add(segment);
    return sum.folded() == 0xffff ? Checksum::good : Checksum::bad;
}

}  // namespace

Step dissect_tcp(ByteReader& reader, Dissection& dissection) {
    const Bytes whole = reader.rest();
    const auto header = reader.header<kFixedHeader>();
    if (!header) {
        if (dissection.first_fragment) {
            return ignore(dissection, IgnoredReason::fragment_short);
        }
        return dissection.ip_payload_length < kFixedHeader ? reject(dissection, Layer::tcp)
                                                           : run_out(dissection, Layer::tcp);
    }
    const std::uint32_t header_length = (header->u8<12>() >> 4U) * 4U;
    if (header_length < kFixedHeader) {
        return reject(dissection, Layer::tcp);
    }
    if (header_length > dissection.ip_payload_length) {
        return dissection.first_fragment ? ignore(dissection, IgnoredReason::fragment_short)
                                         : reject(dissection, Layer::tcp);
    }
    auto& segment = dissection.result.emplace<Segment>();
    if (dissection.options.checksums == ChecksumMode::ip_and_tcp) {
        const Checksum verdict = verify(whole, header->u16<16>(), dissection);
        if (verdict == Checksum::bad) {
            return ignore(dissection, IgnoredReason::checksum_tcp_bad);
        }
        segment.checksum_unverified = verdict == Checksum::unverified;
    }
    segment.source = {dissection.source, header->u16<0>()};
    segment.destination = {dissection.destination, header->u16<2>()};
    segment.seq = {header->u32<4>()};
    segment.ack = {header->u32<8>()};
    segment.flags = {header->u8<13>()};
    const Bytes rest = reader.rest();
    read_tcp_options(rest.first(std::min<std::size_t>(rest.size(), header_length - kFixedHeader)),
                     segment);
    segment.payload_length = dissection.ip_payload_length - header_length;
    segment.has_ip_id = dissection.has_ip_id;
    segment.ip_id = dissection.ip_id;
    segment.encapsulation = dissection.encapsulation;
    return finish();
}

}  // namespace tcpeek
