#include "app/pipeline.h"

#include <fmt/format.h>

#include "output/details.h"

namespace tcpeek {
namespace {

// Capture from a file waits for its reader; who asks for the counters must not.
constexpr std::chrono::milliseconds kLookWhileWaiting{10};

}  // namespace

Pipeline::Pipeline(const PipelineConfig& config, FilterSet& filters, InterfaceNames& names,
                   DisplayQueue& queue, const Log& log)
    : config_(config),
      filters_(filters),
      names_(names),
      queue_(queue),
      log_(log),
      ledger_(filters.names().size()),
      tracker_(config.tracker, filters, *this) {}

void Pipeline::take(std::span<const Frame> frames) {
    TCPEEK_ASSERT(frames.size() <= kBatch);
    for (std::size_t i = 0; i < frames.size(); ++i) {
        dissect(frames[i], config_.dissect, dissected_[i]);
        if (const auto* segment = std::get_if<Segment>(&dissected_[i])) {
            pairs_[i] = tracker_.name(*segment);
            tracker_.expect(pairs_[i]);
        }
    }
    // The pair of a frame without a segment is an old one, which does no harm.
    for (std::size_t i = 0; frames.size() > 1 && i < frames.size(); ++i) {
        tracker_.fetch(pairs_[i]);
    }
    for (std::size_t i = 0; frames.size() > 1 && i < frames.size(); ++i) {
        tracker_.fetch_more(pairs_[i]);
    }
    for (std::size_t i = 0; i < frames.size(); ++i) {
        const Frame& frame = frames[i];
        ledger_.count_frame(frame.time, dissected_[i]);
        if (const auto* segment = std::get_if<Segment>(&dissected_[i])) {
            tracker_.on_segment(*segment, pairs_[i], frame.time, frame.interface);
        } else if (const auto* error = std::get_if<IcmpError>(&dissected_[i])) {
            tracker_.on_icmp(*error, frame.time);
        } else {
            tracker_.on_other(frame.time);
        }
    }
}

void Pipeline::replace_filters(FilterSet next) {
    const std::vector<std::string> before = filters_.names();
    filters_.replace_by(std::move(next));
    ledger_.rearrange(before, filters_.names());
    queue_.push_always(FilterNamesItem{filters_.names()});
}

void Pipeline::finish() {
    const std::uint64_t pending = tracker_.pending();
    tracker_.finish();
    pending_at_end_ = pending;
}

void Pipeline::on_record(const SessionRecord& record) {
    const std::span<const FilterIndex> filters = filters_.filters_of(record.filters);
    ledger_.count(record, filters);
    if (log_.enabled(LogLevel::debug)) {
        log_decision(record);
    }
    // A reload may have taken all of its filters away.
    if (config_.show_records && !filters.empty()) {
        show(RecordItem{
            record, {filters.begin(), filters.end()}, std::string(names_.name(record.interface))});
    }
}

void Pipeline::on_event(const SessionEvent& event) {
    const std::span<const FilterIndex> filters = filters_.filters_of(event.filters);
    ledger_.count(event, filters);
    if (config_.show_records && !filters.empty()) {
        show(EventItem{event, {filters.begin(), filters.end()}});
    }
}

void Pipeline::on_evicted(MatchId filters) {
    ledger_.count_evicted(filters_.filters_of(filters));
}

void Pipeline::on_settled(const ConnectionKey& key, SeqNumber isn, Settled why) {
    if (on_settled_) {
        on_settled_(key, isn,
                    why == Settled::judged ? KernelFilter::Removal::judged
                                           : KernelFilter::Removal::forgotten);
    }
}

const Segment* Pipeline::last_syn(std::size_t n) const {
    const auto* segment = std::get_if<Segment>(&dissected_[n]);
    return segment != nullptr && kind_of(segment->flags) == SegmentKind::syn ? segment : nullptr;
}

bool Pipeline::has_attempt(const ConnectionKey& key) const {
    return tracker_.has_open_attempt(key);
}

std::size_t Pipeline::attempts() const {
    return tracker_.open_attempts();
}

bool Pipeline::visit_attempts(std::uint32_t& cursor, std::size_t limit,
                              const Visitor& visit) const {
    cursor = tracker_.visit_open_attempts(cursor, static_cast<std::uint32_t>(limit), visit);
    return cursor != 0;
}

void Pipeline::show(DisplayItem item) {
    if (config_.live) {
        queue_.offer(std::move(item));
    } else {
        while (!queue_.push(item, kLookWhileWaiting)) {
            while_waiting_();
        }
    }
}

void Pipeline::log_decision(const SessionRecord& record) const {
    log_.write(LogLevel::debug,
               fmt::format("{} -> {}: {} ({}) decided by {} in state {}, history {}",
                           to_string(record.client), to_string(record.server),
                           to_string(outcome_of(record.cause)), to_string(record.cause),
                           to_string(record.decided_by), to_string(record.decided_in),
                           record.history.to_string()));
}

void Pipeline::begin_copy(Snapshot& snapshot) {
    copy_all_but_filters(snapshot);
    ledger_.begin_copy(snapshot.filters);
}

void Pipeline::copy_all_but_filters(Snapshot& snapshot) const {
    snapshot.filter_names = filters_.names();
    snapshot.frames = ledger_.frames();
    snapshot.tracker = tracker_.counters();
    snapshot.pending = tracker_.pending_counts();
    snapshot.remembered = tracker_.remembered();
}

SummaryView Pipeline::summary(const std::vector<LiveStatistics>& interfaces) const {
    SummaryView view;
    view.from = ledger_.first_time();
    view.to = ledger_.last_time();
    view.icmp = config_.dissect.icmp;
    for (std::size_t i = 0; i < ledger_.filters().size(); ++i) {
        const FilterCounters& counters = ledger_.filters()[i];
        FilterSummary& filter = view.filters.emplace_back();
        filter.name = filters_.names()[i];
        filter.successes = counters.sessions_of(Outcome::success);
        filter.successes_with_dup_syn = counters.successes_with_dup_syn;
        filter.successes_with_dup_synack = counters.successes_with_dup_synack;
        filter.unaccepted = counters.unaccepted;
        filter.reset_early = counters.reset_early_by_server + counters.reset_early_by_client;
        filter.timeouts = counters.sessions_of(Outcome::timeout);
        filter.doubtful_timeouts = counters.doubtful_timeouts;
        filter.rejects = counters.sessions_of(Outcome::reject);
        filter.unreaches = counters.sessions_of(Outcome::unreach);
        filter.aborts = counters.sessions_of(Outcome::abort);
        filter.unjudged = counters.sessions_of(Outcome::unjudged);
    }
    view.capture.received = config_.live ? 0 : ledger_.frames().frames;
    for (const LiveStatistics& interface : interfaces) {
        view.capture.received += interface.received;
        view.capture.dropped_by_kernel += interface.dropped_by_kernel;
        view.capture.dropped_by_interface += interface.dropped_by_interface;
    }
    view.capture.pending = tracker_.pending() + pending_at_end_;
    for (const std::uint64_t malformed : ledger_.frames().malformed) {
        view.capture.malformed += malformed;
    }
    view.capture.evicted = tracker_.counters().evicted;
    if (config_.details) {
        Snapshot snapshot;
        copy_all_but_filters(snapshot);
        snapshot.filters = ledger_.filters();
        view.details = detail_rows(snapshot);
    }
    return view;
}

}  // namespace tcpeek
