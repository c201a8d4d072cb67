// The counters in Prometheus' text format (FORMATS: "Prometheus").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "stats/snapshot.h"

namespace tcpeek {

// What the process itself costs.
struct ProcessCost {
    double cpu_seconds = 0;
    std::uint64_t resident_octets = 0;
};

// The whole body of /metrics, families in a fixed order. `names` by FilterIndex.
std::string render_prometheus(const Snapshot& snapshot, const std::vector<std::string>& names,
                              const ProcessCost& cost, std::string_view version);

}  // namespace tcpeek
