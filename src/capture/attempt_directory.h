// What the kernel filter asks of the one who knows which connection attempts there are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "net/connection_key.h"
#include "net/seq_number.h"

namespace tcpeek {

// An attempt counts while its packets can still make a verdict: it is pending, or remembered as a
// failure.
class AttemptDirectory {
  public:
    virtual ~AttemptDirectory() = default;

    [[nodiscard]] virtual bool has_attempt(const ConnectionKey& key) const = 0;
    [[nodiscard]] virtual std::size_t attempts() const = 0;

    // False ends the visit.
    using Visitor = std::function<bool(const ConnectionKey& key, SeqNumber isn)>;
    // Visits attempts, at most about `limit` places of them, from the one where the last call for
    // this `cursor` (0 at first) ended. Attempts that start meanwhile may be left out. Returns
    // whether there are more.
    virtual bool visit_attempts(std::uint32_t& cursor, std::size_t limit,
                                const Visitor& visit) const = 0;
};

}  // namespace tcpeek
