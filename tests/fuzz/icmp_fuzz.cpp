// ICMP and ICMPv6 errors around any quote. Their checksums are right, so that every mode gets to
// the quote; whatever is taken from it must stand in it.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dissect/dissect.h"

namespace {

using tcpeek::Bytes;
using tcpeek::IcmpError;

using Octets = std::vector<std::uint8_t>;

constexpr std::array<std::uint8_t, 16> kReporter{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
                                                 0,    0, 0,   0,    0, 0, 0, 9};
constexpr std::array<std::uint8_t, 16> kClient{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0,
                                               0,    0, 0,   0,    0, 0, 0, 1};

void append(Octets& octets, Bytes more) {
    octets.insert(octets.end(), more.begin(), more.end());
}

void append_u16(Octets& octets, std::size_t number) {
    octets.push_back(static_cast<std::uint8_t>(number >> 8U));
    octets.push_back(static_cast<std::uint8_t>(number));
}

// The sum of RFC 1071, as slow and simple as it can be.
std::uint16_t internet_sum(const Octets& octets) {
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < octets.size(); ++i) {
        sum += i % 2 == 0 ? std::uint32_t{octets[i]} << 8U : octets[i];
        sum = (sum & 0xffffU) + (sum >> 16U);
    }
    return static_cast<std::uint16_t>(~sum);
}

// The first five octets of the input choose family, type, code and two octets of the ICMP header.
Octets message(const std::uint8_t* data, std::size_t size, bool v6) {
    static constexpr std::array<std::uint8_t, 8> kTypes{3, 11, 12, 5, 0, 8, 4, 3};
    static constexpr std::array<std::uint8_t, 8> kTypes6{1, 3, 4, 2, 128, 134, 1, 137};
    Octets icmp{(v6 ? kTypes6 : kTypes)[data[1] % 8U], data[2], 0, 0, 0, 0, 0, 0};
    icmp[v6 ? 4 : 5] = data[3];
    icmp[7] = data[4];
    append(icmp, Bytes(data, size).subspan(5));
    Octets summed;
    if (v6) {
        append(summed, kReporter);
        append(summed, kClient);
        append_u16(summed, 0);
        append_u16(summed, icmp.size());
        append_u16(summed, 0);
        append_u16(summed, 58);
    }
    append(summed, icmp);
    const std::uint16_t sum = internet_sum(summed);
    icmp[2] = static_cast<std::uint8_t>(sum >> 8U);
    icmp[3] = static_cast<std::uint8_t>(sum);
    return icmp;
}

Octets packet(const Octets& icmp, bool v6) {
    Octets ip;
    if (v6) {
        ip = {0x60, 0, 0, 0};
        append_u16(ip, icmp.size());
        ip.push_back(58);
        ip.push_back(64);
        append(ip, kReporter);
        append(ip, kClient);
    } else {
        ip = {0x45, 0};
        append_u16(ip, 20 + icmp.size());
        append(ip,
               std::array<std::uint8_t, 16>{0, 7, 0, 0, 64, 1, 0, 0, 192, 0, 2, 9, 192, 0, 2, 1});
        const std::uint16_t sum = internet_sum(ip);
        ip[10] = static_cast<std::uint8_t>(sum >> 8U);
        ip[11] = static_cast<std::uint8_t>(sum);
    }
    append(ip, icmp);
    return ip;
}

// Ports and sequence number, and both addresses, as they must stand in the quote.
void check_error(const IcmpError& error, const Octets& icmp, bool v6) {
    Octets tcp;
    append_u16(tcp, error.quoted_source.port);
    append_u16(tcp, error.quoted_destination.port);
    append_u16(tcp, error.quoted_seq.value >> 16U);
    append_u16(tcp, error.quoted_seq.value);
    const auto quote = icmp.begin() + 8;
    TCPEEK_ASSERT(std::search(quote, icmp.end(), tcp.begin(), tcp.end()) != icmp.end());
    const Bytes source = error.quoted_source.address.significant();
    const Bytes destination = error.quoted_destination.address.significant();
    const auto at = quote + (v6 ? 8 : 12);
    TCPEEK_ASSERT(std::equal(source.begin(), source.end(), at));
    TCPEEK_ASSERT(std::equal(destination.begin(), destination.end(), at + (v6 ? 16 : 4)));
    TCPEEK_ASSERT(error.type == icmp[0] && error.code == icmp[1]);
    TCPEEK_ASSERT(v6 ? error.type != 2 : error.type != 3 || error.code != 4);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 5 || size > 60'000) {
        return 0;
    }
    const bool v6 = (data[0] & 1U) != 0;
    const Octets icmp = message(data, size, v6);
    const Octets octets = packet(icmp, v6);
    tcpeek::Frame frame;
    frame.link_type = {101};
    frame.bytes = octets;
    frame.original_length = static_cast<std::uint32_t>(octets.size());
    tcpeek::DissectOptions options{static_cast<tcpeek::ChecksumMode>(data[0] / 2U % 3U), true};
    const tcpeek::Dissected result = tcpeek::dissect(frame, options);
    TCPEEK_ASSERT(!std::holds_alternative<tcpeek::Segment>(result));
    TCPEEK_ASSERT(!std::holds_alternative<tcpeek::Malformed>(result));
    if (const auto* error = std::get_if<IcmpError>(&result)) {
        check_error(*error, icmp, v6);
    } else if (const auto* ignored = std::get_if<tcpeek::Ignored>(&result)) {
        TCPEEK_ASSERT(ignored->why != tcpeek::IgnoredReason::checksum_icmp_bad);
        TCPEEK_ASSERT(ignored->why != tcpeek::IgnoredReason::packet_cut);
    }
    options.icmp = false;
    TCPEEK_ASSERT(std::holds_alternative<tcpeek::Ignored>(tcpeek::dissect(frame, options)));
    return 0;
}
