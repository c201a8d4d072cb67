// What REFRESH has told already.
#pragma once

#include <vector>

#include "output/stats_json.h"

namespace tcpeek {

// Each difference goes to one caller; what a caller did not get goes to the next. One thread's.
class RefreshBaseline {
  public:
    // By FilterIndex: what was counted since the last call, and is told from now on.
    std::vector<SessionFigures> take(const Snapshot& snapshot) {
        told_.resize(snapshot.filters.size());
        std::vector<SessionFigures> differences;
        for (std::size_t i = 0; i < told_.size(); ++i) {
            SessionFigures difference = SessionFigures::of(snapshot.filters[i]);
            difference -= told_[i];
            told_[i] += difference;
            differences.push_back(difference);
        }
        return differences;
    }

    // `differences`, from `take`, did not reach its caller.
    void give_back(const std::vector<SessionFigures>& differences) {
        for (std::size_t i = 0; i < differences.size(); ++i) {
            told_[i] -= differences[i];
        }
    }

  private:
    std::vector<SessionFigures> told_;
};

}  // namespace tcpeek
