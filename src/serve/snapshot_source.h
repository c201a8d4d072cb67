// Where servers get the counters from, without knowing whose thread counts.
#pragma once

#include <functional>

#include "stats/snapshot.h"

namespace tcpeek {

class SnapshotSource {
  public:
    using Receiver = std::function<void(const Snapshot&)>;

    virtual ~SnapshotSource() = default;
    // Calls `receive` later, on the caller's thread, with a copy made after this call. It is
    // dropped without a call when counting has ended. The snapshot is valid during the call.
    virtual void request(Receiver receive) = 0;
};

}  // namespace tcpeek
