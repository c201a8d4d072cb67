#include "filter/local_addresses.h"

#include <algorithm>

namespace tcpeek {

std::array<std::uint8_t, 16> last_octets(const IpNetwork& network) {
    std::array<std::uint8_t, 16> octets = network.address().octets();
    const unsigned kept_bits = 128 - network.address().bit_width() + network.prefix_length();
    for (unsigned i = 0; i < octets.size(); ++i) {
        const unsigned kept_here = std::clamp(kept_bits, i * 8, i * 8 + 8) - i * 8;
        octets[i] = static_cast<std::uint8_t>(octets[i] | (0xffU >> kept_here));
    }
    return octets;
}

LocalAddresses::LocalAddresses(const std::vector<IpNetwork>& networks) {
    for (const IpNetwork& network : networks) {
        (network.address().is_v4() ? v4_ : v6_)
            .push_back({AddressKey::of(network.address()), AddressKey::of(last_octets(network))});
    }
    v4_ = merged(std::move(v4_));
    v6_ = merged(std::move(v6_));
}

bool LocalAddresses::contains(const IpAddress& address) const {
    const std::vector<Range>& ranges = address.is_v4() ? v4_ : v6_;
    const AddressKey key = AddressKey::of(address);
    const auto after = std::upper_bound(
        ranges.begin(), ranges.end(), key,
        [](const AddressKey& wanted, const Range& range) { return wanted < range.first; });
    return after != ranges.begin() && key <= std::prev(after)->last;
}

std::vector<LocalAddresses::Range> LocalAddresses::merged(std::vector<Range> ranges) {
    std::sort(ranges.begin(), ranges.end(),
              [](const Range& a, const Range& b) { return a.first < b.first; });
    std::vector<Range> result;
    for (const Range& range : ranges) {
        if (!result.empty() && range.first <= result.back().last) {
            result.back().last = std::max(result.back().last, range.last);
        } else {
            result.push_back(range);
        }
    }
    return result;
}

}  // namespace tcpeek
