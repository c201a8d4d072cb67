// All filters of a run, compiled: which of them want a session.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "filter/filter_expression.h"
#include "filter/local_addresses.h"
#include "handshake/ports.h"

namespace tcpeek {

// Index of a filter in the order in which outputs show them.
using FilterIndex = std::uint32_t;

// Filters with a name in one run; far above any configuration written by hand, and it bounds the
// size of every snapshot.
inline constexpr std::size_t kMaxFilters = 1'024;
// `addr:port...` parts of all filters together; bounds the size of the compiled tables.
inline constexpr std::size_t kMaxFilterParts = 4'096;

// Decides sessions for the tracker. Sets of filters are kept once each and named by MatchId, which
// stays valid as long as the FilterSet lives. Not thread-safe; renderers get a copy of the sets
// they need by `filters_of`.
class FilterSet final : public Classifier {
  public:
    // Expressions in the order given; parts of equal names are joined. Errors: too many filters,
    // two names that become one for Ganglia (bytes outside [A-Za-z0-9_.-] read as `_`).
    static Result<FilterSet> compile(std::vector<FilterExpression> expressions);

    std::optional<MatchId> classify(const Endpoint& client, const Endpoint& server) override;

    // Sessions that start from now on are decided by the filters of `next`. Sets named by earlier
    // MatchIds stay valid: they hold those of their filters whose names are still there.
    void replace_by(FilterSet next);

    // Counts for sessions that start from now on.
    void set_local_addresses(LocalAddresses addresses);

    // Names by FilterIndex, without exclusions.
    [[nodiscard]] const std::vector<std::string>& names() const;
    // The filters of a set, ascending.
    [[nodiscard]] std::span<const FilterIndex> filters_of(MatchId id) const;
    // Whether any filter or exclusion asks for a local address.
    [[nodiscard]] bool needs_local_addresses() const;

    FilterSet(FilterSet&&) noexcept;
    FilterSet& operator=(FilterSet&&) noexcept;
    ~FilterSet() override;

  private:
    struct Compiled;
    explicit FilterSet(std::unique_ptr<Compiled> compiled);

    std::unique_ptr<Compiled> compiled_;
};

}  // namespace tcpeek
