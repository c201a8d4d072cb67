// Hands copies of the counters from the capture thread to the servers on the main thread.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "app/event_loop.h"
#include "app/mailbox.h"
#include "serve/snapshot_source.h"

namespace tcpeek {

// Requests that come while a copy is made wait for the next one together, so that many callers cost
// the capture thread one copy at a time. Belongs to the main thread.
class SnapshotDesk final : public SnapshotSource {
  public:
    // `loop` and `mailbox` must outlive it.
    SnapshotDesk(EventLoop& loop, Mailbox& mailbox) : loop_(loop), mailbox_(mailbox) {}

    // Before the capture thread starts. `copy` fills a snapshot on that thread; `wake` makes it
    // look at its mail.
    void open(std::function<void(Snapshot&)> copy, std::function<void()> wake) {
        copy_ = std::move(copy);
        wake_ = std::move(wake);
        copy_(snapshot_);
        snapshot_.make_room();
        order();
    }

    void request(Receiver receive) override {
        waiting_.push_back(std::move(receive));
        order();
    }

  private:
    void order() {
        if (waiting_.empty() || busy_ || copy_ == nullptr) {
            return;
        }
        busy_ = true;
        std::swap(served_, waiting_);
        ++snapshot_.number;
        mailbox_.post([this] {
            copy_(snapshot_);
            loop_.post([this] { deliver(); });
        });
        wake_();
    }

    void deliver() {
        for (const Receiver& receive : served_) {
            receive(snapshot_);
        }
        served_.clear();
        busy_ = false;
        order();
    }

    EventLoop& loop_;
    Mailbox& mailbox_;
    std::function<void(Snapshot&)> copy_;
    std::function<void()> wake_;
    bool busy_ = false;  // from the order to the end of the delivery
    Snapshot snapshot_;  // the capture thread's from the order to the delivery
    std::vector<Receiver> waiting_;
    std::vector<Receiver> served_;
};

}  // namespace tcpeek
