#include "app/display_queue.h"

#include <utility>

namespace tcpeek {

bool DisplayQueue::offer(DisplayItem item) {
    {
        const std::lock_guard lock(mutex_);
        if (abandoned_ || items_.size() >= kCapacity) {
            ++undisplayed_;
            return false;
        }
        items_.push_back(std::move(item));
    }
    filled_.notify_one();
    return true;
}

bool DisplayQueue::push(DisplayItem& item, std::chrono::milliseconds timeout) {
    {
        std::unique_lock lock(mutex_);
        if (!emptied_.wait_for(lock, timeout,
                               [&] { return abandoned_ || items_.size() < kCapacity; })) {
            return false;
        }
        if (abandoned_) {
            ++undisplayed_;
            return true;
        }
        items_.push_back(std::move(item));
    }
    filled_.notify_one();
    return true;
}

void DisplayQueue::push_always(DisplayItem item) {
    {
        const std::lock_guard lock(mutex_);
        items_.push_back(std::move(item));
    }
    filled_.notify_one();
}

void DisplayQueue::close() {
    {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    filled_.notify_one();
}

void DisplayQueue::abandon() {
    {
        const std::lock_guard lock(mutex_);
        abandoned_ = true;
    }
    emptied_.notify_one();
}

bool DisplayQueue::take_all(std::vector<DisplayItem>& items, std::chrono::milliseconds timeout) {
    items.clear();
    {
        std::unique_lock lock(mutex_);
        filled_.wait_for(lock, timeout, [&] { return closed_ || !items_.empty(); });
        std::swap(items, items_);
        if (items.empty() && closed_) {
            return false;
        }
    }
    emptied_.notify_one();
    return true;
}

std::uint64_t DisplayQueue::undisplayed() const {
    const std::lock_guard lock(mutex_);
    return undisplayed_;
}

}  // namespace tcpeek
