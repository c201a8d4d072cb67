#include "dissect/ip/checksum.h"

namespace tcpeek {

void InternetSum::add(Bytes bytes) {
    ByteReader reader(bytes);
    while (reader.remaining() >= 2) {
        sum_ += reader.u16();
    }
    if (reader.remaining() == 1) {
        sum_ += static_cast<std::uint64_t>(reader.u8()) << 8U;
    }
}

std::uint16_t InternetSum::folded() const {
    std::uint64_t sum = sum_;
    while (sum > 0xffff) {
        sum = (sum >> 16U) + (sum & 0xffffU);
    }
    return static_cast<std::uint16_t>(sum);
}

InternetSum pseudo_header_sum(const IpAddress& source, const IpAddress& destination,
                              std::uint32_t length, std::uint8_t protocol) {
    InternetSum sum;
    sum.add(source.significant());
    sum.add(destination.significant());
    sum.add(length);
    sum.add(protocol);
    return sum;
}

}  // namespace tcpeek
