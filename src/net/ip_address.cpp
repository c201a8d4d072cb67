#include "net/ip_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "base/assert.h"

namespace tcpeek {

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    const std::string terminated(text);
    std::array<std::uint8_t, 16> octets{};
    if (terminated.find('\0') != std::string::npos) {
        return std::nullopt;
    }
    if (inet_pton(AF_INET, terminated.c_str(), octets.data()) == 1) {
        return v4(std::span(octets).first<4>());
    }
    if (inet_pton(AF_INET6, terminated.c_str(), octets.data()) == 1) {
        return v6(octets);
    }
    return std::nullopt;
}

std::span<const std::uint8_t> IpAddress::significant() const {
    return is_v4() ? std::span(octets_).subspan(kV4Prefix.size()) : std::span(octets_);
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const char* written =
        inet_ntop(is_v4() ? AF_INET : AF_INET6, significant().data(), text.data(), text.size());
    TCPEEK_ASSERT(written != nullptr);
    return written;
}

IpNetwork::IpNetwork(const IpAddress& address, unsigned prefix_length)
    : address_(address), prefix_length_(prefix_length) {
    TCPEEK_ASSERT(prefix_length <= address.bit_width());
    std::array<std::uint8_t, 16> octets = address.octets();
    const unsigned kept_bits = 128 - address.bit_width() + prefix_length;
    for (unsigned i = 0; i < octets.size(); ++i) {
        const unsigned kept_here = std::clamp(kept_bits, i * 8, i * 8 + 8) - i * 8;
        octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00U >> kept_here));
    }
    address_ = address.is_v4() ? IpAddress::v4(std::span(octets).last<4>()) : IpAddress::v6(octets);
}

std::optional<IpNetwork> IpNetwork::parse(std::string_view text) {
    const std::size_t slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) {
        return std::nullopt;
    }
    unsigned length = address->bit_width();
    if (slash != std::string_view::npos) {
        const std::string_view digits = text.substr(slash + 1);
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc() || end != digits.data() + digits.size() ||
            length > address->bit_width()) {
            return std::nullopt;
        }
    }
    return IpNetwork(*address, length);
}

bool IpNetwork::contains(const IpAddress& address) const {
    return address.family() == address_.family() &&
           IpNetwork(address, prefix_length_).address_ == address_;
}

}  // namespace tcpeek
