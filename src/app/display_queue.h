// The bounded queue between the capture thread and the printer.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <vector>

#include "app/display_item.h"

namespace tcpeek {

// One producer, one consumer. The producer holds the lock for one move only, the consumer takes
// everything at once.
class DisplayQueue {
  public:
    // About 4 MB of records: a burst of a second at the rate a terminal can show.
    static constexpr std::size_t kCapacity = 16'384;

    // Live: never waits. Returns false when the queue is full; the item is counted as undisplayed.
    bool offer(DisplayItem item);
    // From a file: waits for room, until `abandon`, or for `timeout`. Returns false when there was
    // none; `item` is then as it was.
    bool push(DisplayItem& item, std::chrono::milliseconds timeout);
    // For what must be told whatever the number of records waiting (summaries, notices).
    void push_always(DisplayItem item);

    // Nothing comes after this.
    void close();
    // The consumer has gone: pushing no longer waits, and what comes is dropped and counted.
    void abandon();

    // Waits until there is something, the queue is closed, or `timeout` is over, and moves all of
    // it to `items` (emptied first). Returns false when the queue is closed and empty.
    bool take_all(std::vector<DisplayItem>& items, std::chrono::milliseconds timeout);

    [[nodiscard]] std::uint64_t undisplayed() const;

  private:
    mutable std::mutex mutex_;
    std::condition_variable filled_;
    std::condition_variable emptied_;
    std::vector<DisplayItem> items_;
    bool closed_ = false;
    bool abandoned_ = false;
    std::uint64_t undisplayed_ = 0;
};

}  // namespace tcpeek
