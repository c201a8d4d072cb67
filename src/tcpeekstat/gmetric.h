// Ganglia's gmetric: one run of the program a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace tcpeek {

struct GmetricValue {
    std::string name;  // "tcpeek_RX_failure_reject"
    std::uint64_t value = 0;
};

// The values of a REFRESH answer in its order; an error when it is not of this version's form.
[[nodiscard]] Result<std::vector<GmetricValue>> gmetric_values(std::string_view refresh);

// Whether `command` can be run at all: an executable file, looked for in PATH unless it has a
// slash.
[[nodiscard]] Result<void> find_gmetric(const std::string& command);

struct GmetricOutcome {
    Result<void> sent;
    bool hung = false;  // the program had to be killed
};

// Runs `command` for one value, without a shell, and waits until it has ended, for 10 s at most.
// `config` is its configuration file, empty for its own. An error names the value and says how the
// program failed, with the first line that it wrote.
[[nodiscard]] GmetricOutcome send_by_gmetric(const std::string& command, const std::string& config,
                                             const GmetricValue& value);

}  // namespace tcpeek
