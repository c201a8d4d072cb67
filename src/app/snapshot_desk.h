// Hands copies of the counters from the capture thread to the servers on the main thread.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "app/event_loop.h"
#include "app/mailbox.h"
#include "serve/snapshot_source.h"

namespace tcpeek {

// How a snapshot is filled on the capture thread, in pieces between which that takes frames. What
// it shows is how things were when `begin` was called.
struct SnapshotCopying {
    std::function<void(Snapshot&)> begin;
    std::function<bool()> go_on;  // returns whether the snapshot is complete
};

// Requests that come while a copy is made wait for the next one together, so that many callers cost
// the capture thread one copy at a time. Belongs to the main thread.
class SnapshotDesk final : public SnapshotSource {
  public:
    // `loop` and `mailbox` must outlive it.
    SnapshotDesk(EventLoop& loop, Mailbox& mailbox) : loop_(loop), mailbox_(mailbox) {}

    // Before the capture thread starts. `wake`, from any thread, makes it look at its mail.
    void open(SnapshotCopying copying, std::function<void()> wake) {
        copying_ = std::move(copying);
        wake_ = std::move(wake);
        copying_.begin(snapshot_);
        while (!copying_.go_on()) {
        }
        snapshot_.make_room();
        order();
    }

    void request(Receiver receive) override {
        waiting_.push_back(std::move(receive));
        order();
    }

  private:
    void order() {
        if (waiting_.empty() || busy_ || !copying_.begin) {
            return;
        }
        busy_ = true;
        std::swap(served_, waiting_);
        ++snapshot_.number;
        mailbox_.post([this] {
            copying_.begin(snapshot_);
            go_on_later();
        });
        wake_();
    }

    // On the capture thread.
    void go_on_later() {
        mailbox_.post([this] {
            if (copying_.go_on()) {
                loop_.post([this] { deliver(); });
            } else {
                go_on_later();
            }
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
    SnapshotCopying copying_;
    std::function<void()> wake_;
    bool busy_ = false;  // from the order to the end of the delivery
    Snapshot snapshot_;  // the capture thread's from the order to the delivery
    std::vector<Receiver> waiting_;
    std::vector<Receiver> served_;
};

}  // namespace tcpeek
