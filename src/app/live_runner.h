// The capture thread's work when it watches interfaces.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/log.h"
#include "app/mailbox.h"
#include "app/pipeline.h"
#include "base/result.h"
#include "capture/boot_clock.h"
#include "capture/live_capture.h"

namespace tcpeek {

// Everything it refers to must outlive it. Belongs to the capture thread.
class LiveRunner {
  public:
    // `tell_status` hears on the capture thread which interfaces are watched, as one line, whenever
    // that changes.
    LiveRunner(LiveCapture& capture, Pipeline& pipeline, Mailbox& mailbox, DisplayQueue& queue,
               const Log& log, bool show_notices,
               std::function<void(const std::string&)> tell_status);

    // Captures until the mailbox asks it to stop or the last interface has vanished, which is an
    // error.
    Result<void> run();

    // The summary so far; on the capture thread.
    [[nodiscard]] SummaryView summary();
    // Everything but what was not displayed, completed by Pipeline::continue_copy; on the capture
    // thread.
    void begin_copy(Snapshot& snapshot);
    [[nodiscard]] bool has_summary() const { return true; }

  private:
    void take(const FrameBatch& batch);
    // Those from place `first` to before place `end`.
    void judge(const FrameBatch& batch, std::size_t first, std::size_t end);
    [[nodiscard]] bool shows_step(const Frame& frame) const;
    [[nodiscard]] bool asks_for_losses(const Frame& frame) const;
    void absorb_clock_steps(std::size_t frames_taken);
    void copy_filter_to(KernelFilterCounters& counters);
    void tell_events();
    [[nodiscard]] std::string status() const;
    void tell_drops(bool at_end);
    // Tells the tracker when packets were lost: between the last call and now.
    void note_losses();

    LiveCapture& capture_;
    Pipeline& pipeline_;
    Mailbox& mailbox_;
    DisplayQueue& queue_;
    const Log& log_;
    bool show_notices_;
    std::function<void(const std::string&)> tell_status_;
    Timestamp started_;
    ClockStepDetector clock_steps_;
    Duration forward_step_;  // seen, but not yet in the packets' times
    std::optional<Timestamp> last_frame_;
    Timestamp losses_checked_;
    std::uint64_t losses_noted_ = 0;
    Timestamp drops_checked_;
    std::optional<Timestamp> drops_told_at_;
    std::uint64_t drops_told_ = 0;
    std::uint64_t losses_told_ = 0;  // of losses_noted_
};

}  // namespace tcpeek
