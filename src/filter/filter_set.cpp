#include "filter/filter_set.h"

#include <fmt/format.h>
#include <tsl/robin_map.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "filter/address_key.h"
#include "filter/ganglia_name.h"
#include "filter/interval_table.h"

namespace tcpeek {
namespace {

using Bits = std::vector<std::uint64_t>;

struct BitsHash {
    std::size_t operator()(const Bits& bits) const {
        std::size_t hash = 0;
        for (const std::uint64_t word : bits) {
            hash = (hash ^ word) * 0x9e3779b97f4a7c15U;
            hash ^= hash >> 32U;
        }
        return hash;
    }
};

// One `addr:port...` of a filter, or of an exclusion (no filter).
struct FlatPart {
    const FilterPart* part;
    std::optional<FilterIndex> filter;
};

IntervalTable<AddressKey> address_table(const std::vector<FlatPart>& parts, IpFamily family,
                                        std::size_t words) {
    std::vector<KeyInterval<AddressKey>> intervals;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        const std::optional<IpNetwork>& network = parts[i].part->network;
        if (!network) {
            intervals.push_back({AddressKey{}, AddressKey::highest(), i});
        } else if (network->address().family() == family) {
            intervals.push_back(
                {AddressKey::of(network->address()), AddressKey::of(last_octets(*network)), i});
        }
    }
    return {AddressKey{}, AddressKey::highest(), intervals, words, std::mem_fn(&AddressKey::next)};
}

IntervalTable<std::uint16_t> port_table(const std::vector<FlatPart>& parts, std::size_t words) {
    std::vector<KeyInterval<std::uint16_t>> intervals;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        for (const PortRange& range : parts[i].part->ports) {
            // `*` takes port 0 in, too: a hostile SYN to it is still a session.
            const bool every = range == PortRange{};
            intervals.push_back({every ? std::uint16_t{0} : range.first, range.last, i});
        }
    }
    return {0, 65'535, intervals, words,
            [](std::uint16_t port) { return static_cast<std::uint16_t>(port + 1); }};
}

}  // namespace

struct FilterSet::Compiled {
    Compiled(const std::vector<FlatPart>& parts, std::vector<std::string> filter_names)
        : names(std::move(filter_names)),
          part_words(parts.size() / 64 + 1),
          v4(address_table(parts, IpFamily::v4, part_words)),
          v6(address_table(parts, IpFamily::v6, part_words)),
          ports(port_table(parts, part_words)),
          directions{Bits(part_words), Bits(part_words), Bits(part_words)},
          exclusions(part_words),
          matched(part_words),
          wanted(names.size() / 64 + 1) {
        for (std::size_t i = 0; i < parts.size(); ++i) {
            const std::uint64_t bit = std::uint64_t{1} << i % 64;
            directions[static_cast<std::size_t>(parts[i].part->direction)][i / 64] |= bit;
            if (!parts[i].filter) {
                exclusions[i / 64] |= bit;
            }
            filter_of_part.push_back(parts[i].filter.value_or(0));
            needs_local = needs_local || parts[i].part->direction != FilterDirection::any;
        }
    }

    [[nodiscard]] PartBits address_bits(const IpAddress& address) const {
        return (address.is_v4() ? v4 : v6).find(AddressKey::of(address));
    }

    // Fills `matched`; returns false when an exclusion is among them or nothing is.
    bool match(const Endpoint& client, const Endpoint& server) {
        const PartBits of_client = address_bits(client.address);
        const PartBits of_server = address_bits(server.address);
        const PartBits of_port = ports.find(server.port);
        const std::uint64_t incoming =
            needs_local && local.contains(server.address) ? ~std::uint64_t{0} : 0;
        const std::uint64_t outgoing =
            needs_local && local.contains(client.address) ? ~std::uint64_t{0} : 0;
        const std::uint64_t* const wants_incoming = directions[0].data();
        const std::uint64_t* const wants_outgoing = directions[1].data();
        const std::uint64_t* const wants_any = directions[2].data();
        const std::uint64_t* const excludes = exclusions.data();
        std::uint64_t* const rows = matched.data();
        std::uint64_t something = 0;
        std::uint64_t excluded = 0;
        std::uint64_t changed = 0;
        for (std::size_t w = 0; w < part_words; ++w) {
            const std::uint64_t row = of_port[w] & ((wants_incoming[w] & incoming & of_client[w]) |
                                                    (wants_outgoing[w] & outgoing & of_server[w]) |
                                                    (wants_any[w] & (of_client[w] | of_server[w])));
            changed |= row ^ rows[w];
            rows[w] = row;
            excluded |= row & excludes[w];
            something |= row;
        }
        if (changed != 0) {
            set_of_matched.reset();
        }
        return something != 0 && excluded == 0;
    }

    // The set of the filters that `matched` parts belong to; mostly that of the session before.
    MatchId intern() {
        if (!set_of_matched) {
            set_of_matched = find_or_add_set();
        }
        return *set_of_matched;
    }

    MatchId find_or_add_set() {
        std::fill(wanted.begin(), wanted.end(), 0);
        for (std::size_t w = 0; w < part_words; ++w) {
            for (std::uint64_t rest = matched[w]; rest != 0; rest &= rest - 1) {
                const auto part = w * 64 + static_cast<std::size_t>(__builtin_ctzll(rest));
                const FilterIndex filter = filter_of_part[part];
                wanted[filter / 64] |= std::uint64_t{1} << filter % 64;
            }
        }
        const auto known = set_ids.find(wanted);
        if (known != set_ids.end()) {
            return known->second;
        }
        std::vector<FilterIndex> filters;
        for (FilterIndex filter = 0; filter < names.size(); ++filter) {
            if ((wanted[filter / 64] >> filter % 64 & 1U) != 0) {
                filters.push_back(filter);
            }
        }
        const MatchId id{static_cast<std::uint32_t>(sets.size())};
        sets.push_back(std::move(filters));
        set_ids.emplace(wanted, id);
        return id;
    }

    // Takes over the sets of `earlier` under their MatchIds, in terms of the filters here.
    void adopt_sets(const Compiled& earlier) {
        std::vector<std::optional<FilterIndex>> now(earlier.names.size());
        for (std::size_t i = 0; i < now.size(); ++i) {
            const auto found = std::find(names.begin(), names.end(), earlier.names[i]);
            if (found != names.end()) {
                now[i] = static_cast<FilterIndex>(found - names.begin());
            }
        }
        for (const std::vector<FilterIndex>& set : earlier.sets) {
            std::fill(wanted.begin(), wanted.end(), 0);
            std::vector<FilterIndex> kept;
            for (const FilterIndex filter : set) {
                if (now[filter]) {
                    kept.push_back(*now[filter]);
                    wanted[*now[filter] / 64] |= std::uint64_t{1} << *now[filter] % 64;
                }
            }
            std::sort(kept.begin(), kept.end());
            set_ids.emplace(wanted, MatchId{static_cast<std::uint32_t>(sets.size())});
            sets.push_back(std::move(kept));
        }
    }

    std::vector<std::string> names;
    std::size_t part_words;
    IntervalTable<AddressKey> v4;
    IntervalTable<AddressKey> v6;
    IntervalTable<std::uint16_t> ports;
    std::array<Bits, 3> directions;  // by FilterDirection
    Bits exclusions;
    std::vector<FilterIndex> filter_of_part;
    bool needs_local = false;
    LocalAddresses local;
    std::vector<std::vector<FilterIndex>> sets;  // by MatchId
    tsl::robin_map<Bits, MatchId, BitsHash> set_ids;
    Bits matched;                           // by the last session looked at
    std::optional<MatchId> set_of_matched;  // once it was asked for
    Bits wanted;                            // scratch of `find_or_add_set`
};

Result<FilterSet> FilterSet::compile(std::vector<FilterExpression> expressions) {
    std::vector<std::string> names;
    std::vector<FlatPart> parts;
    std::map<std::string, std::string> ganglia_names;
    for (const FilterExpression& expression : expressions) {
        std::optional<FilterIndex> filter;
        if (!expression.name.empty()) {
            const auto known = std::find(names.begin(), names.end(), expression.name);
            filter = static_cast<FilterIndex>(known - names.begin());
            if (known == names.end()) {
                const auto [other, is_new] =
                    ganglia_names.emplace(ganglia_name(expression.name), expression.name);
                if (!is_new) {
                    return Error{fmt::format(
                        "filters '{}' and '{}' would both be '{}' for Ganglia; rename one",
                        other->second, expression.name, other->first)};
                }
                names.push_back(expression.name);
            }
        }
        for (const FilterPart& part : expression.parts) {
            parts.push_back({&part, filter});
        }
    }
    if (names.size() > kMaxFilters || parts.size() > kMaxFilterParts) {
        return Error{fmt::format("{} filters with {} parts are too many; the limits are {} and {}",
                                 names.size(), parts.size(), kMaxFilters, kMaxFilterParts)};
    }
    return FilterSet(std::make_unique<Compiled>(parts, std::move(names)));
}

std::optional<MatchId> FilterSet::classify(const Endpoint& client, const Endpoint& server) {
    if (!compiled_->match(client, server)) {
        return std::nullopt;
    }
    return compiled_->intern();
}

void FilterSet::replace_by(FilterSet next) {
    next.compiled_->adopt_sets(*compiled_);
    compiled_ = std::move(next.compiled_);
}

void FilterSet::set_local_addresses(LocalAddresses addresses) {
    compiled_->local = std::move(addresses);
}

const std::vector<std::string>& FilterSet::names() const {
    return compiled_->names;
}

std::span<const FilterIndex> FilterSet::filters_of(MatchId id) const {
    return compiled_->sets[id.index];
}

bool FilterSet::needs_local_addresses() const {
    return compiled_->needs_local;
}

FilterSet::FilterSet(std::unique_ptr<Compiled> compiled) : compiled_(std::move(compiled)) {}
FilterSet::FilterSet(FilterSet&&) noexcept = default;
FilterSet& FilterSet::operator=(FilterSet&&) noexcept = default;
FilterSet::~FilterSet() = default;

}  // namespace tcpeek
