// What REFRESH has told already.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "output/stats_json.h"

namespace tcpeek {

// What one REFRESH tells, by FilterIndex of its snapshot.
struct RefreshDifference {
    std::vector<std::string> names;
    std::vector<SessionFigures> figures;
};

// Each difference goes to one caller; what a caller did not get goes to the next. By name, since a
// reload may put filters into another order. One thread's.
class RefreshBaseline {
  public:
    // What was counted since the last call, and is told from now on.
    RefreshDifference take(const Snapshot& snapshot) {
        RefreshDifference difference;
        difference.names = snapshot.filter_names;
        for (std::size_t i = 0; i < snapshot.filters.size(); ++i) {
            SessionFigures figures = SessionFigures::of(snapshot.filters[i]);
            SessionFigures& told = told_[snapshot.filter_names[i]];
            figures -= told;
            told += figures;
            difference.figures.push_back(figures);
        }
        return difference;
    }

    // `difference`, from `take`, did not reach its caller.
    void give_back(const RefreshDifference& difference) {
        for (std::size_t i = 0; i < difference.figures.size(); ++i) {
            told_[difference.names[i]] -= difference.figures[i];
        }
    }

  private:
    // Of filters that are gone, too: their counters go on when they come back.
    std::map<std::string, SessionFigures> told_;
};

}  // namespace tcpeek
