// tcpeek's totals as lines for people.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tcpeekstat/totals.h"

namespace tcpeek {

// What was counted between two looks at the same run of tcpeek.
struct Interval {
    const Totals& before;
    double seconds;  // more than 0
};

// Without newlines. With an interval each filter has a line of sessions per second under its
// totals; filters that the earlier look lacks have none.
[[nodiscard]] std::vector<std::string> view_of(const Totals& totals,
                                               const std::optional<Interval>& interval);

}  // namespace tcpeek
