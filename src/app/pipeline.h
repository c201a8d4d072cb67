// The stages in a row: frame -> dissect -> handshake -> filter -> stats -> display queue. Belongs
// to the capture thread.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "app/display_queue.h"
#include "app/log.h"
#include "capture/attempt_directory.h"
#include "capture/interface_names.h"
#include "capture/live_capture.h"
#include "dissect/dissect.h"
#include "handshake/tracker.h"
#include "output/summary.h"
#include "stats/ledger.h"
#include "stats/snapshot.h"

namespace tcpeek {

struct PipelineConfig {
    TrackerConfig tracker;
    DissectOptions dissect;
    bool live = false;         // records may be dropped from display rather than wait
    bool details = false;      // in the summary
    bool show_records = true;  // quiet tables have none
};

class Pipeline final : public AttemptDirectory, private VerdictSink {
  public:
    // All references must outlive it.
    Pipeline(const PipelineConfig& config, FilterSet& filters, InterfaceNames& names,
             DisplayQueue& queue, const Log& log);

    // Called again and again while a record from a file waits for room in the queue, between two
    // verdicts: what is counted is consistent then.
    void on_waiting(std::function<void()> work) { while_waiting_ = std::move(work); }

    void take(const Frame& frame) { take(std::span(&frame, 1)); }
    // The same as one by one, and faster: of frames that are there already, at most kBatch, what
    // the tracker needs is fetched from memory while others are dissected.
    static constexpr std::size_t kBatch = 32;
    void take(std::span<const Frame> frames);
    // Live, while nothing comes.
    void advance(Timestamp packet_scale_time) { tracker_.advance(packet_scale_time); }
    void absorb_forward_step(Duration step) { tracker_.absorb_forward_step(step); }
    void note_capture_loss(Timestamp from, Timestamp to) { tracker_.note_capture_loss(from, to); }
    void set_local_addresses(LocalAddresses addresses) {
        filters_.set_local_addresses(std::move(addresses));
    }
    // Who is told of pairs that are over; with TrackerConfig::tells_settled.
    using SettledListener =
        std::function<void(const ConnectionKey& key, SeqNumber isn, KernelFilter::Removal why)>;
    void listen_to_settled(SettledListener listener) { on_settled_ = std::move(listener); }

    // Of the frames that were taken last the n-th, if it is a SYN.
    [[nodiscard]] const Segment* last_syn(std::size_t n) const;

    [[nodiscard]] bool has_attempt(const ConnectionKey& key) const override;
    [[nodiscard]] std::size_t attempts() const override;
    bool visit_attempts(std::uint32_t& cursor, std::size_t limit,
                        const Visitor& visit) const override;

    // From now on; counters stay with the names. `next` knows the local addresses already.
    void replace_filters(FilterSet next);
    // The capture ends; pending attempts are told.
    void finish();

    // A snapshot as the summary shows it. `interfaces` is empty for files.
    [[nodiscard]] SummaryView summary(const std::vector<LiveStatistics>& interfaces) const;

    // Copies everything that is counted here, as it is at this call; `snapshot`'s times, interfaces
    // and undisplayed records are the caller's. It is complete when `continue_copy` says so, which
    // is to be called between frames; see Ledger::begin_copy.
    void begin_copy(Snapshot& snapshot);
    bool continue_copy() { return ledger_.continue_copy(); }

    [[nodiscard]] const Tracker& tracker() const { return tracker_; }
    [[nodiscard]] const Ledger& ledger() const { return ledger_; }

  private:
    void on_record(const SessionRecord& record) override;
    void on_event(const SessionEvent& event) override;
    void on_evicted(MatchId filters) override;
    void on_settled(const ConnectionKey& key, SeqNumber isn, Settled why) override;
    void show(DisplayItem item);
    void log_decision(const SessionRecord& record) const;
    void copy_all_but_filters(Snapshot& snapshot) const;

    PipelineConfig config_;
    FilterSet& filters_;
    InterfaceNames& names_;
    DisplayQueue& queue_;
    const Log& log_;
    Ledger ledger_;
    Tracker tracker_;
    // Of the frames in hand; kept so that they are not built anew for each.
    std::array<Dissected, kBatch> dissected_;
    std::array<Tracker::Pair, kBatch> pairs_;
    std::uint64_t pending_at_end_ = 0;
    SettledListener on_settled_;
    std::function<void()> while_waiting_ = [] {};
};

}  // namespace tcpeek
