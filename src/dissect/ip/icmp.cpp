// ICMP (RFC 792) and ICMPv6 (RFC 4443) errors, also of several parts (RFC 4884), and the TCP
// segment that they quote.
#include "dissect/ip/checksum.h"
#include "dissect/ip/ipv6_extensions.h"
#include "dissect/layers.h"

namespace tcpeek {
namespace {

constexpr std::uint8_t kProtocolTcp = 6;
constexpr std::uint8_t kProtocolIcmpv6 = 58;
constexpr std::size_t kQuotedTcp = 8;  // ports and sequence number

// Where a multi-part message says how long its quote is (RFC 4884 4), what follows the quote is not
// TCP. 0: it says nothing, and everything is the quote.
void end_at_stated_length(ByteReader& reader, std::size_t stated) {
    if (stated > 0 && stated < reader.remaining()) {
        reader = ByteReader(reader.rest().first(stated));
    }
}

struct Quote {
    IpAddress source;
    IpAddress destination;
};

// Errors on which a connect can fail; fragmentation needed (3/4) asks for smaller packets only.
bool is_icmp_error(std::uint8_t type, std::uint8_t code) {
    return (type == 3 && code != 4) || type == 11 || type == 12;
}

// Destination unreachable, time exceeded, parameter problem; not packet too big.
bool is_icmpv6_error(std::uint8_t type) {
    return type == 1 || type == 3 || type == 4;
}

Step read_quoted_tcp(ByteReader& reader, Dissection& dissection, const Quote& quote,
                     std::uint8_t type, std::uint8_t code) {
    if (reader.remaining() < kQuotedTcp) {
        return ignore(dissection, IgnoredReason::icmp_quote_short);
    }
    auto& error = dissection.result.emplace<IcmpError>();
    error.reporter = dissection.source;
    error.destination = dissection.destination;
    error.type = type;
    error.code = code;
    error.quoted_source = {quote.source, reader.u16()};
    error.quoted_destination = {quote.destination, reader.u16()};
    error.quoted_seq = {reader.u32()};
    error.encapsulation = dissection.encapsulation;
    return finish();
}

bool checksum_is_bad(Bytes message, InternetSum sum, const Dissection& dissection) {
    if (dissection.options.checksums != ChecksumMode::ip_and_tcp || dissection.first_fragment ||
        message.size() < dissection.ip_payload_length) {
        return false;
    }
    sum.add(message);
    return sum.folded() != 0xffff;
}

}  // namespace

Step dissect_icmp(ByteReader& reader, Dissection& dissection) {
    const bool bad_checksum = checksum_is_bad(reader.rest(), InternetSum{}, dissection);
    const std::uint8_t type = reader.u8();
    const std::uint8_t code = reader.u8();
    reader.skip(3);                                // checksum, and what the type needs
    const std::size_t quoted_words = reader.u8();  // of 4 octets
    reader.skip(2);
    if (!reader.ok()) {
        return run_out(dissection, Layer::icmp);
    }
    if (bad_checksum) {
        return ignore(dissection, IgnoredReason::checksum_icmp_bad);
    }
    if (!is_icmp_error(type, code)) {
        return ignore(dissection, IgnoredReason::icmp_not_an_error);
    }
    end_at_stated_length(reader, quoted_words * 4);
    const std::uint8_t version_and_length = reader.u8();
    reader.skip(5);  // type of service, total length, identification
    const std::uint16_t fragment = reader.u16();
    reader.skip(1);  // time to live
    const std::uint8_t protocol = reader.u8();
    reader.skip(2);  // checksum
    const Bytes source = reader.take(4);
    const Bytes destination = reader.take(4);
    const std::size_t header_length = std::size_t{version_and_length & 0x0fU} * 4;
    if (!reader.ok()) {
        return ignore(dissection, IgnoredReason::icmp_quote_short);
    }
    if (version_and_length >> 4U != 4 || header_length < 20 || protocol != kProtocolTcp ||
        (fragment & 0x1fffU) != 0) {
        return ignore(dissection, IgnoredReason::icmp_quote_not_tcp);
    }
    reader.skip(header_length - 20);  // options
    return read_quoted_tcp(
        reader, dissection,
        {IpAddress::v4(source.first<4>()), IpAddress::v4(destination.first<4>())}, type, code);
}

Step dissect_icmpv6(ByteReader& reader, Dissection& dissection) {
    const bool bad_checksum =
        checksum_is_bad(reader.rest(),
                        pseudo_header_sum(dissection.source, dissection.destination,
                                          dissection.ip_payload_length, kProtocolIcmpv6),
                        dissection);
    const std::uint8_t type = reader.u8();
    const std::uint8_t code = reader.u8();
    reader.skip(2);                                // checksum
    const std::size_t quoted_words = reader.u8();  // of 8 octets; a pointer in type 4
    reader.skip(3);
    if (!reader.ok()) {
        return run_out(dissection, Layer::icmp);
    }
    if (bad_checksum) {
        return ignore(dissection, IgnoredReason::checksum_icmp_bad);
    }
    if (!is_icmpv6_error(type)) {
        return ignore(dissection, IgnoredReason::icmp_not_an_error);
    }
    constexpr std::uint8_t kParameterProblem = 4;  // has no such length
    end_at_stated_length(reader, type == kParameterProblem ? 0 : quoted_words * 8);
    const std::uint8_t version_and_class = reader.u8();
    reader.skip(5);  // traffic class, flow label, payload length
    const std::uint8_t next_header = reader.u8();
    reader.skip(1);  // hop limit
    const Bytes source = reader.take(16);
    const Bytes destination = reader.take(16);
    if (!reader.ok()) {
        return ignore(dissection, IgnoredReason::icmp_quote_short);
    }
    const Ipv6Chain chain = walk_ipv6_chain(reader, next_header);
    if (chain.end == Ipv6Chain::End::out_of_bytes) {
        return ignore(dissection, IgnoredReason::icmp_quote_short);
    }
    if (version_and_class >> 4U != 6 || chain.end != Ipv6Chain::End::protocol ||
        chain.protocol != kProtocolTcp) {
        return ignore(dissection, IgnoredReason::icmp_quote_not_tcp);
    }
    const Bytes from = chain.home_address.empty() ? source : chain.home_address;
    const Bytes to = chain.final_destination.empty() ? destination : chain.final_destination;
    return read_quoted_tcp(reader, dissection,
                           {IpAddress::v6(from.first<16>()), IpAddress::v6(to.first<16>())}, type,
                           code);
}

}  // namespace tcpeek
