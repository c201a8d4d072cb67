// Everything that is counted, copied at one instant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/timestamp.h"
#include "handshake/tracker.h"
#include "stats/ledger.h"

namespace tcpeek {

// Packets of one interface.
struct InterfaceCounters {
    std::string name;
    std::uint64_t received = 0;  // dropped ones included
    std::uint64_t dropped_by_kernel = 0;
    std::uint64_t dropped_by_interface = 0;
};

// Meant to be used again: a copy into one that was filled before allocates next to nothing.
struct Snapshot {
    Timestamp start;  // of the program, wall clock
    Timestamp now;
    std::vector<std::string> filter_names;  // by FilterIndex; a reload changes them
    std::vector<FilterCounters> filters;    // likewise
    FrameCounters frames;
    TrackerCounters tracker;
    PendingCounts pending;
    std::uint32_t remembered = 0;
    std::vector<InterfaceCounters> interfaces;  // none when files are read
    std::uint64_t undisplayed = 0;              // records
};

}  // namespace tcpeek
