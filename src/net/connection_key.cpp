#include "net/connection_key.h"

#include <endian.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <tuple>

namespace tcpeek {
namespace {

constexpr std::uint64_t kIsV4 = std::uint64_t{1} << 32U;

std::uint64_t load_word(const std::uint8_t* octets) {
    std::uint64_t word = 0;
    std::memcpy(&word, octets, sizeof word);
    return be64toh(word);
}

void store_word(std::uint64_t word, std::uint8_t* octets) {
    word = htobe64(word);
    std::memcpy(octets, &word, sizeof word);
}

}  // namespace

ConnectionKey::Packed ConnectionKey::pack(const Endpoint& endpoint) {
    const std::array<std::uint8_t, 16>& octets = endpoint.address.octets();
    return {load_word(octets.data()), load_word(octets.data() + 8), endpoint.port};
}

ConnectionKey ConnectionKey::of(const Endpoint& a, const Endpoint& b) {
    Packed first = pack(a);
    Packed second = pack(b);
    if (std::tie(second.high, second.low, second.port) <
        std::tie(first.high, first.low, first.port)) {
        std::swap(first, second);
    }
    ConnectionKey key;
    key.words_ = {first.high, first.low, second.high, second.low};
    key.ends_ = (a.address.is_v4() ? kIsV4 : 0) | static_cast<std::uint32_t>(first.port << 16U) |
                second.port;
    return key;
}

bool ConnectionKey::first_is(const Endpoint& endpoint) const {
    const Packed packed = pack(endpoint);
    return ((packed.high ^ words_[0]) | (packed.low ^ words_[1]) |
            (packed.port ^ (ends_ >> 16U & 0xffffU))) == 0;
}

bool ConnectionKey::is_self() const {
    return words_[0] == words_[2] && words_[1] == words_[3] &&
           (ends_ >> 16U & 0xffffU) == (ends_ & 0xffffU);
}

std::uint64_t ConnectionKey::hash(std::uint64_t seed) const {
    const std::array<std::uint64_t, 5> all{words_[0], words_[1], words_[2], words_[3], ends_};
    return XXH3_64bits_withSeed(all.data(), sizeof all, seed);
}

Endpoint ConnectionKey::unpack(unsigned place) const {
    std::array<std::uint8_t, 16> octets{};
    store_word(words_[2 * place], octets.data());
    store_word(words_[2 * place + 1], octets.data() + 8);
    Endpoint endpoint;
    endpoint.address =
        (ends_ & kIsV4) != 0 ? IpAddress::v4(std::span(octets).last<4>()) : IpAddress::v6(octets);
    endpoint.port = static_cast<std::uint16_t>(ends_ >> (place == 0 ? 16U : 0U));
    return endpoint;
}

}  // namespace tcpeek
