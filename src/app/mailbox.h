// Work that other threads want done on the capture thread, which owns the tracker.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace tcpeek {

class Mailbox {
  public:
    // From any thread. The capture thread runs `work` between two frames; what that posts again is
    // run later, when more frames have been taken.
    void post(std::function<void()> work) {
        const std::lock_guard lock(mutex_);
        waiting_.push_back(std::move(work));
        has_mail_.store(true, std::memory_order_release);
    }

    // On the capture thread; costs one load when there is nothing.
    void run_all() {
        if (!has_mail()) {
            return;
        }
        std::vector<std::function<void()>> work;
        {
            const std::lock_guard lock(mutex_);
            std::swap(work, waiting_);
            has_mail_.store(false, std::memory_order_release);
        }
        for (const auto& one : work) {
            one();
        }
    }

    // The same where no frames are taken for a while: what is posted meanwhile is run, too.
    void run_until_empty() {
        while (has_mail()) {
            run_all();
        }
    }

    // Asks the capture thread to end; readable from any thread.
    void request_stop() { stop_.store(true, std::memory_order_release); }
    [[nodiscard]] bool stop_requested() const { return stop_.load(std::memory_order_acquire); }

  private:
    [[nodiscard]] bool has_mail() const { return has_mail_.load(std::memory_order_acquire); }

    std::mutex mutex_;
    std::vector<std::function<void()>> waiting_;
    std::atomic<bool> has_mail_ = false;
    std::atomic<bool> stop_ = false;
};

}  // namespace tcpeek
