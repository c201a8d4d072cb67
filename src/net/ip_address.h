// An IPv4 or IPv6 address, and a network (address and prefix length).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tcpeek {

enum class IpFamily : std::uint8_t { v4, v6 };

// 16 bytes in network order; an IPv4 address stands in the last four after the prefix
// ::ffff:0:0/96 (RFC 4291 2.5.5.2), and the family tells it from an IPv6 address of that form.
class IpAddress {
  public:
    // What stands before the four bytes of an IPv4 address.
    static constexpr std::array<std::uint8_t, 12> kV4Prefix{0, 0, 0, 0, 0,    0,
                                                            0, 0, 0, 0, 0xff, 0xff};

    constexpr IpAddress() = default;

    // `octets` has 4 or 16 bytes in network order.
    static IpAddress v4(std::span<const std::uint8_t, 4> octets) {
        IpAddress address;
        address.assign_v4(octets);
        return address;
    }
    static IpAddress v6(std::span<const std::uint8_t, 16> octets) {
        return of_octets(octets.data(), IpFamily::v6);
    }
    // All 16 bytes, as `octets()` gives them of an address of this family.
    static IpAddress of_octets(const std::uint8_t* octets, IpFamily family) {
        IpAddress address;
        std::memcpy(address.octets_.data(), octets, sizeof address.octets_);
        address.family_ = family;
        return address;
    }
    // What `v4` gives, written in place and in few pieces, for the way of every packet.
    void assign_v4(std::span<const std::uint8_t, 4> octets) {
        std::uint32_t word = 0;
        std::memcpy(&word, octets.data(), sizeof word);
        put_v4_word(octets_.data(), word);
        family_ = IpFamily::v4;
    }
    // The textual forms of RFC 4291 2.2 and dotted quad; nothing for anything else.
    static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] IpFamily family() const { return family_; }
    [[nodiscard]] bool is_v4() const { return family_ == IpFamily::v4; }
    // All 16 bytes, also for IPv4.
    [[nodiscard]] const std::array<std::uint8_t, 16>& octets() const { return octets_; }
    // The four bytes of an IPv4 address as they stand, for comparing and hashing only.
    [[nodiscard]] std::uint32_t v4_word() const { return v4_word_in(octets_.data()); }
    // The same from the 16 bytes of an address, and all 16 of one from that word.
    [[nodiscard]] static std::uint32_t v4_word_in(const std::uint8_t* octets) {
        std::uint32_t word = 0;
        std::memcpy(&word, octets + kV4Prefix.size(), sizeof word);
        return word;
    }
    static void put_v4_word(std::uint8_t* octets, std::uint32_t word) {
        std::memcpy(octets, kV4Prefix.data(), kV4Prefix.size());
        std::memcpy(octets + kV4Prefix.size(), &word, sizeof word);
    }
    // The four bytes of an IPv4 address or the sixteen of an IPv6 one.
    [[nodiscard]] std::span<const std::uint8_t> significant() const;
    // 32 or 128.
    [[nodiscard]] unsigned bit_width() const { return is_v4() ? 32 : 128; }

    // Dotted quad, or RFC 5952 form without brackets.
    [[nodiscard]] std::string to_string() const;

    friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

  private:
    std::array<std::uint8_t, 16> octets_{};
    IpFamily family_ = IpFamily::v6;
};

// An address and a prefix length; bits beyond the prefix are 0.
class IpNetwork {
  public:
    // Masks host bits off. `prefix_length` is at most the address' bit width.
    IpNetwork(const IpAddress& address, unsigned prefix_length);
    // "ADDR" (a network of one address) or "ADDR/LEN"; nothing for anything else.
    static std::optional<IpNetwork> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] const IpAddress& address() const { return address_; }
    [[nodiscard]] unsigned prefix_length() const { return prefix_length_; }

    friend auto operator<=>(const IpNetwork&, const IpNetwork&) = default;

  private:
    IpAddress address_;
    unsigned prefix_length_;
};

}  // namespace tcpeek
