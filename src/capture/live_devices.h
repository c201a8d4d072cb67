// Which interfaces the user means by the names that he gave, or by giving none.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "capture/live_links.h"

namespace tcpeek {

// The interfaces to capture on, each once, in the order of `names`; {nullptr} for `any`, which
// swallows all others. Without names: the first that is up, running and no loopback. The pointers
// are into `table`. Errors: no such interface, no usable interface; both name those that exist.
Result<std::vector<const Link*>> choose_devices(const LinkTable& table,
                                                const std::vector<std::string>& names);

}  // namespace tcpeek
