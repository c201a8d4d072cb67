// What is counted beside sessions, as rows for people.
#pragma once

#include <vector>

#include "output/summary.h"
#include "stats/snapshot.h"

namespace tcpeek {

// Reasons for which packets were ignored or malformed, copies, what happened to clocks and
// latencies, in the order and by the names of STATS.
std::vector<DetailRow> detail_rows(const Snapshot& snapshot);

}  // namespace tcpeek
