// What SIGHUP reads again under a service manager or with --config: expressions, local addresses
// and the log's level. All else needs a restart, which is said.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "app/log.h"
#include "base/result.h"
#include "cli/config.h"
#include "cli/parse.h"
#include "filter/filter_set.h"

namespace tcpeek {

// The filters that are always there, then the user's.
std::vector<FilterExpression> expressions_of(const Config& config);

// Reads command line and file again, as at the start.
using ParseAgain = std::function<ParseResult()>;

// Belongs to the main thread.
class Reload {
  public:
    // `running` is what runs, and is changed by `read`; both references must outlive it.
    Reload(Config& running, ParseAgain parse_again, Log& log)
        : running_(running), parse_again_(std::move(parse_again)), log_(log) {}

    // The filters from now on, still without local addresses. An error: nothing has changed.
    Result<FilterSet> read();

  private:
    void tell_what_needs_a_restart(const Config& next) const;

    Config& running_;
    ParseAgain parse_again_;
    Log& log_;
    std::set<std::string> names_;  // of all filters that there have been
};

}  // namespace tcpeek
