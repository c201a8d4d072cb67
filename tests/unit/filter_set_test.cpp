#include "filter/filter_set.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace tcpeek {
namespace {

FilterSet compile(const std::vector<std::string>& texts) {
    std::vector<FilterExpression> expressions;
    for (const std::string& text : texts) {
        expressions.push_back(*parse_filter_expression(text).expression);
    }
    return std::move(FilterSet::compile(std::move(expressions))).value();
}

Endpoint endpoint(const std::string& address, std::uint16_t port) {
    return {*IpAddress::parse(address), port};
}

// The names of the filters that want a session.
std::set<std::string> wanted(FilterSet& filters, const Endpoint& client, const Endpoint& server) {
    std::set<std::string> names;
    if (const auto id = filters.classify(client, server)) {
        for (const FilterIndex index : filters.filters_of(*id)) {
            names.insert(filters.names()[index]);
        }
    }
    return names;
}

using Names = std::set<std::string>;

TEST(FilterSet, DirectionDependsOnWhichEndIsLocal) {
    FilterSet filters = compile({"RX:RX@*:*", "TX:TX@*:*", "ALL:ANY@192.0.2.7:*"});
    filters.set_local_addresses(LocalAddresses({*IpNetwork::parse("10.0.0.0/8")}));
    const Endpoint local = endpoint("10.1.1.1", 1000);
    const Endpoint remote = endpoint("192.0.2.7", 80);
    EXPECT_EQ(wanted(filters, remote, local), (Names{"RX", "ALL"}));
    EXPECT_EQ(wanted(filters, local, remote), (Names{"TX", "ALL"}));
    EXPECT_EQ(wanted(filters, local, local), (Names{"RX", "TX"}));
    EXPECT_EQ(wanted(filters, remote, remote), (Names{"ALL"}));
    EXPECT_FALSE(filters.classify(endpoint("192.0.2.8", 1), endpoint("192.0.2.9", 2)));
}

TEST(FilterSet, AnExclusionHidesASessionWhereverItStands) {
    FilterSet filters = compile({"A:ANY@*:*", ":ANY@192.0.2.1:22", "B:ANY@*:22"});
    EXPECT_EQ(wanted(filters, endpoint("192.0.2.1", 5), endpoint("192.0.2.2", 22)), Names{});
    EXPECT_EQ(wanted(filters, endpoint("192.0.2.3", 5), endpoint("192.0.2.2", 22)),
              (Names{"A", "B"}));
    EXPECT_EQ(filters.names(), (std::vector<std::string>{"A", "B"}));
}

TEST(FilterSet, IdsOutliveAReplacement) {
    FilterSet filters = compile({"A:ANY@*:80", "B:ANY@*:80-90", "C:ANY@*:*"});
    const Endpoint client = endpoint("192.0.2.1", 5);
    const MatchId all = filters.classify(client, endpoint("192.0.2.2", 80)).value();
    const MatchId last_only = filters.classify(client, endpoint("192.0.2.2", 99)).value();
    // C comes first now, B is gone, D is new, and A wants another port.
    filters.replace_by(compile({"C:ANY@*:*", "D:ANY@*:80", "A:ANY@*:99"}));
    const auto names = [&](MatchId id) {
        Names found;
        for (const FilterIndex index : filters.filters_of(id)) {
            found.insert(filters.names()[index]);
        }
        return found;
    };
    EXPECT_EQ(names(all), (Names{"A", "C"}));
    EXPECT_EQ(names(last_only), Names{"C"});
    EXPECT_EQ(wanted(filters, client, endpoint("192.0.2.2", 80)), (Names{"C", "D"}));
    EXPECT_EQ(wanted(filters, client, endpoint("192.0.2.2", 99)), (Names{"A", "C"}));
    // A set that is the same as an earlier one has no second name.
    EXPECT_EQ(filters.classify(client, endpoint("192.0.2.2", 99))->index, all.index);
    filters.replace_by(compile({"D:ANY@*:80"}));
    EXPECT_EQ(names(all), Names{});
    EXPECT_EQ(names(last_only), Names{});
    EXPECT_EQ(wanted(filters, client, endpoint("192.0.2.2", 80)), Names{"D"});
}

TEST(FilterSet, JoinsEqualNamesAndRefusesThoseThatGangliaCannotTellApart) {
    FilterSet filters = compile({"A:ANY@*:80", "B:ANY@*:1", "A:ANY@*:443"});
    EXPECT_EQ(filters.names(), (std::vector<std::string>{"A", "B"}));
    EXPECT_EQ(wanted(filters, endpoint("::1", 5), endpoint("::1", 443)), (Names{"A"}));
    std::vector<FilterExpression> colliding{*parse_filter_expression("a b:ANY@*:*").expression,
                                            *parse_filter_expression("a_b:ANY@*:*").expression};
    const auto refused = FilterSet::compile(std::move(colliding));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().message,
              "filters 'a b' and 'a_b' would both be 'a_b' for Ganglia; rename one");
}

// A matcher that follows the words of the contract, one part after another.
bool naive_part(const FilterPart& part, const Endpoint& client, const Endpoint& server,
                const LocalAddresses& local) {
    const auto inside = [&](const IpAddress& address) {
        return !part.network || part.network->contains(address);
    };
    const bool port =
        std::any_of(part.ports.begin(), part.ports.end(), [&](const PortRange& range) {
            return range.first <= server.port && server.port <= range.last;
        });
    switch (part.direction) {
        case FilterDirection::rx:
            return port && local.contains(server.address) && inside(client.address);
        case FilterDirection::tx:
            return port && local.contains(client.address) && inside(server.address);
        case FilterDirection::any:
            return port && (inside(client.address) || inside(server.address));
    }
    return false;
}

class RandomTexts {
  public:
    std::string address() {
        return pick(2) == 0 ? fmt::format("10.0.{}.{}", pick(3), pick(4))
                            : fmt::format("2001:db8::{}:{}", pick(3), pick(4));
    }
    std::string part() {
        const std::string host = address();
        const bool v4 = host.find('.') != std::string::npos;
        const std::string network = pick(4) == 0
                                        ? "*"
                                        : (v4 ? fmt::format("{}/{}", host, 16 + pick(17))
                                              : fmt::format("[{}/{}]", host, 90 + pick(39)));
        const unsigned port = 1 + pick(6);
        return pick(4) == 0
                   ? network + ":*"
                   : fmt::format("{}:{}-{}:{}", network, port, port + pick(3), 1 + pick(9));
    }
    std::string expression(unsigned number) {
        static constexpr const char* kDirections[] = {"RX", "TX", "ANY"};
        const std::string name = pick(8) == 0 ? "" : fmt::format("f{}", number);
        return fmt::format("{}:{}@{},{}", name, kDirections[pick(3)], part(), part());
    }
    unsigned pick(unsigned count) { return static_cast<unsigned>(random_() % count); }

  private:
    std::mt19937 random_{20'261'123};
};

TEST(FilterSet, AgreesWithANaiveMatcher) {
    RandomTexts random;
    unsigned matched = 0;
    for (int round = 0; round < 60; ++round) {
        std::vector<std::string> texts;
        for (unsigned i = 0; i < 1 + random.pick(90); ++i) {
            texts.push_back(random.expression(i));
        }
        FilterSet filters = compile(texts);
        const LocalAddresses local(
            {*IpNetwork::parse("10.0.1.0/24"), *IpNetwork::parse("2001:db8::1:0/112")});
        filters.set_local_addresses(local);
        for (int session = 0; session < 50; ++session) {
            const Endpoint client = endpoint(random.address(), 40'000);
            const Endpoint server =
                endpoint(random.address(), static_cast<std::uint16_t>(1 + random.pick(10)));
            Names names;
            bool excluded = false;
            for (const std::string& text : texts) {
                const FilterExpression expression = *parse_filter_expression(text).expression;
                const bool matches = std::any_of(expression.parts.begin(), expression.parts.end(),
                                                 [&](const FilterPart& part) {
                                                     return naive_part(part, client, server, local);
                                                 });
                excluded = excluded || (matches && expression.name.empty());
                if (matches) {
                    names.insert(expression.name);
                }
            }
            matched += names.empty() ? 0U : 1U;
            ASSERT_EQ(wanted(filters, client, server), excluded ? Names{} : names)
                << to_string(client) << " " << to_string(server);
        }
    }
    EXPECT_GT(matched, 500U);
}

}  // namespace
}  // namespace tcpeek
