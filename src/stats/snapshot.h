// Everything that is counted, copied at one instant.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
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

// The filter in the kernel.
struct KernelFilterCounters {
    enum class State : std::uint8_t { off, degraded, exact };
    static constexpr std::array<std::string_view, 3> kStateNames{"off", "degraded", "exact"};

    State state = State::off;
    std::uint64_t capacity = 0;  // connections
    std::uint64_t degradations = 0;
    std::uint64_t failed_inserts = 0;
    std::uint64_t removed = 0;
    std::uint64_t swept = 0;
    bool runs_are_told = false;  // by the kernel
    std::uint64_t runs = 0;
    Duration run_time;
};

// Meant to be used again: a copy into one that was filled before allocates next to nothing.
struct Snapshot {
    std::uint64_t number = 0;  // of the copy, from 1
    Timestamp start;           // of the program, wall clock
    Timestamp now;
    std::vector<std::string> filter_names;  // by FilterIndex; a reload changes them
    std::vector<FilterCounters> filters;    // likewise
    FrameCounters frames;
    TrackerCounters tracker;
    PendingCounts pending;
    std::uint32_t remembered = 0;
    std::vector<InterfaceCounters> interfaces;  // none when files are read
    std::uint64_t undisplayed = 0;              // records
    KernelFilterCounters kernel_filter;

    // Takes the memory for every later copy of these filters. A first copy of many filters would
    // otherwise spend milliseconds on page faults.
    void make_room() {
        for (FilterCounters& counters : filters) {
            counters.elapsed.make_room();
            counters.synack.make_room();
            counters.ack.make_room();
            counters.unreach.reserve(icmp_causes().size());
        }
    }
};

}  // namespace tcpeek
