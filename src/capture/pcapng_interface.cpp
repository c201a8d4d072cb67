#include "capture/pcapng_interface.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "capture/file_fields.h"
#include "capture/pcap_limits.h"

namespace tcpeek {
namespace {

__extension__ typedef __int128 Wide;

constexpr std::uint64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr unsigned kNanosecondExponent = 9;

constexpr std::size_t kFixedSize = 8;
constexpr std::size_t kOptionHeaderSize = 4;

constexpr std::uint16_t kEndOfOptions = 0;
constexpr std::uint16_t kName = 2;
constexpr std::uint16_t kTimeResolution = 9;
constexpr std::uint16_t kTimeOffset = 14;

// Longer than any name that an operating system gives; a damaged file can state 65,535 octets
// thousands of times, and names are kept until the end.
constexpr std::size_t kLongestName = 256;

std::uint64_t power_of_ten(unsigned exponent) {
    std::uint64_t power = 1;
    for (unsigned i = 0; i < exponent; ++i) {
        power *= 10;
    }
    return power;
}

std::string name_from(Bytes value) {
    // The specification wants no terminator, some programs write one all the same.
    const auto end = std::find(value.begin(), value.end(), std::uint8_t{0});
    std::string name(value.begin(), end);
    name.resize(std::min(name.size(), kLongestName));
    return name;
}

struct Option {
    std::uint16_t code = kEndOfOptions;
    Bytes value;
};

// Takes the first option off `rest`; nothing if it does not fit in.
std::optional<Option> take_option(Bytes& rest, std::endian order) {
    if (rest.size() < kOptionHeaderSize) {
        return std::nullopt;
    }
    const FileFields header(rest, order);
    const std::size_t length = header.u16(2);
    const std::size_t padded = (length + 3) / 4 * 4;
    if (rest.size() - kOptionHeaderSize < padded) {
        return std::nullopt;
    }
    const Option option{header.u16(0), rest.subspan(kOptionHeaderSize, length)};
    rest = rest.subspan(kOptionHeaderSize + padded);
    return option;
}

// The options that matter here, as they stand in the block.
struct Options {
    std::optional<Bytes> name;
    std::optional<Bytes> time_resolution;
    std::optional<Bytes> time_offset;
};

// A time that is stated twice could be either, and a wrong one would falsify every verdict.
bool take_time_option(std::optional<Bytes>& slot, Bytes value, std::size_t size) {
    if (slot.has_value() || value.size() != size) {
        return false;
    }
    slot = value;
    return true;
}

Result<Options> parse_options(Bytes rest, std::endian order) {
    Options options;
    while (!rest.empty()) {
        const auto option = take_option(rest, order);
        if (!option) {
            return Error{"describes an interface with an option that is longer than the block"};
        }
        if (option->code == kEndOfOptions) {
            break;
        }
        if (option->code == kName) {
            options.name = option->value;
        } else if (option->code == kTimeResolution &&
                   !take_time_option(options.time_resolution, option->value, 1)) {
            return Error{"describes an interface whose time resolution is stated twice or wrongly"};
        } else if (option->code == kTimeOffset &&
                   !take_time_option(options.time_offset, option->value, 8)) {
            return Error{"describes an interface whose time offset is stated twice or wrongly"};
        }
    }
    return options;
}

}  // namespace

bool PcapngClock::set_resolution(std::uint8_t resolution) {
    constexpr unsigned kBinary = 0x80;
    constexpr unsigned kMostBinaryDigits = 63;
    constexpr unsigned kMostDecimalDigits = 19;
    const unsigned digits = resolution & ~kBinary;
    if ((resolution & kBinary) != 0) {
        multiplier_ = kNanosecondsPerSecond;
        divisor_ = 1;
        shift_ = digits;
        return digits <= kMostBinaryDigits;
    }
    if (digits > kMostDecimalDigits) {
        return false;
    }
    const bool coarse = digits <= kNanosecondExponent;
    multiplier_ = coarse ? power_of_ten(kNanosecondExponent - digits) : 1;
    divisor_ = coarse ? 1 : power_of_ten(digits - kNanosecondExponent);
    shift_ = 0;
    return true;
}

Timestamp PcapngClock::at_any(std::uint64_t ticks) const {
    // Only one of divisor, multiplier and shift is at work beyond decimal multiples; the product
    // of two 64-bit numbers, and the sum with a third, fit into 127 bits.
    const std::uint64_t divided = divisor_ == 1 ? ticks : ticks / divisor_;
    const Wide elapsed = (Wide{divided} * Wide{multiplier_}) >> shift_;
    const Wide time = elapsed + Wide{offset_seconds_} * Wide{kNanosecondsPerSecond};
    constexpr Wide kEarliest = std::numeric_limits<std::int64_t>::min();
    constexpr Wide kLatest = std::numeric_limits<std::int64_t>::max();
    return Timestamp{static_cast<std::int64_t>(std::clamp(time, kEarliest, kLatest))};
}

Result<PcapngInterface> PcapngInterface::parse(Bytes body, std::endian order,
                                               InterfaceNames& names) {
    if (body.size() < kFixedSize) {
        return Error{"is too short to describe an interface"};
    }
    const FileFields fields(body, order);
    PcapngInterface interface;
    interface.link_type = LinkType{fields.u16(0)};
    interface.snapshot_length = effective_snapshot_length(interface.link_type, fields.u32(4));
    const auto options = parse_options(body.subspan(kFixedSize), order);
    if (!options) {
        return options.error();
    }
    const auto& [name, resolution, offset] = options.value();
    if (resolution && !interface.clock.set_resolution(resolution->front())) {
        return Error{
            fmt::format("describes an interface with the unusable time resolution 0x{:02x}",
                        resolution->front())};
    }
    if (offset) {
        interface.clock.set_offset(static_cast<std::int64_t>(FileFields(*offset, order).u64(0)));
    }
    if (name) {
        const std::string text = name_from(*name);
        interface.id = text.empty() ? InterfaceId::none() : names.intern(text);
    }
    return interface;
}

}  // namespace tcpeek
