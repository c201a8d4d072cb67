#include "output/stats_json.h"

#include <nlohmann/json.hpp>

#include "output/json.h"

namespace tcpeek {
namespace {

using Json = nlohmann::ordered_json;

std::string line_of(const Json& value) {
    return value.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

Json figures_object(const SessionFigures& figures) {
    return {{"success",
             {{"total", figures.success},
              {"dupsyn", figures.dup_syn},
              {"dupsynack", figures.dup_synack}}},
            {"failure",
             {{"total", figures.timeout + figures.reject + figures.unreach + figures.abort},
              {"timeout", figures.timeout},
              {"reject", figures.reject},
              {"unreach", figures.unreach},
              {"abort", figures.abort}}},
            {"other",
             {{"unjudged", figures.unjudged},
              {"unaccepted", figures.unaccepted},
              {"resetearly", figures.reset_early}}}};
}

Json filter_elements(const std::vector<SessionFigures>& filters,
                     const std::vector<std::string>& names) {
    Json list = Json::array();
    for (std::size_t i = 0; i < filters.size(); ++i) {
        Json element = Json::object();
        element[names[i]] = figures_object(filters[i]);
        list.push_back(std::move(element));
    }
    return list;
}

InterfaceCounters sum_of(const Snapshot& snapshot) {
    InterfaceCounters sum;
    sum.received = snapshot.interfaces.empty() ? snapshot.frames.frames : 0;
    for (const InterfaceCounters& interface : snapshot.interfaces) {
        sum.received += interface.received;
        sum.dropped_by_kernel += interface.dropped_by_kernel;
        sum.dropped_by_interface += interface.dropped_by_interface;
    }
    return sum;
}

Json sessions_object(const FilterCounters& counters) {
    Json sessions = Json::object();
    for (const CauseProperties& cause : cause_table()) {
        if (cause.outcome == Outcome::pending) {
            continue;
        }
        Json& of_outcome = sessions[std::string(to_string(cause.outcome))];
        if (of_outcome.is_null()) {
            of_outcome = Json::object();
        }
        if (cause.cause != Cause::icmp_error) {
            of_outcome[std::string(cause.name)] =
                counters.sessions[static_cast<std::size_t>(cause.cause)];
        }
    }
    for (std::size_t i = 0; i < counters.unreach.size(); ++i) {
        if (counters.unreach[i] > 0) {
            sessions["unreach"][std::string(icmp_causes()[i].name)] = counters.unreach[i];
        }
    }
    return sessions;
}

Json nanoseconds_or_null(std::optional<Duration> duration) {
    return duration ? Json(duration->ns) : Json(nullptr);
}

Json latency_object(const LatencyHistogram& histogram) {
    Json buckets = Json::array();
    for (std::size_t i = 0; i < histogram.buckets().size(); ++i) {
        const bool last = i == LatencyHistogram::kBounds.size();
        // Most of the answer is made here: without the copies of an initializer list.
        Json& bucket = buckets.emplace_back(Json::object());
        bucket.emplace("le_ns", last ? Json(nullptr) : Json(LatencyHistogram::kBounds[i].ns));
        bucket.emplace("count", histogram.buckets()[i]);
    }
    return {{"count", histogram.count()},
            {"sum_ns", histogram.sum().ns},
            {"p50_ns", nanoseconds_or_null(histogram.percentile(0.5))},
            {"p90_ns", nanoseconds_or_null(histogram.percentile(0.9))},
            {"p99_ns", nanoseconds_or_null(histogram.percentile(0.99))},
            {"max_ns", nanoseconds_or_null(histogram.max())},
            {"buckets", std::move(buckets)}};
}

Json filter_object(const FilterCounters& counters) {
    return {
        {"sessions", sessions_object(counters)},
        {"recovered", counters.recovered},
        {"retransmitting_sessions",
         {{"syn", counters.syn_retransmitting}, {"synack", counters.synack_retransmitting}}},
        {"retransmitted_segments",
         {{"syn", counters.syns_retransmitted}, {"synack", counters.synacks_retransmitted}}},
        {"doubtful_timeouts", counters.doubtful_timeouts},
        {"unaccepted", counters.unaccepted},
        {"reset_early",
         {{"server", counters.reset_early_by_server}, {"client", counters.reset_early_by_client}}},
        {"evicted", counters.evicted},
        {"latency",
         {{"elapsed", latency_object(counters.elapsed)},
          {"synack", latency_object(counters.synack)},
          {"ack", latency_object(counters.ack)}}}};
}

Json pending_object(const PendingCounts& pending) {
    using enum PendingCounts::Kind;
    const auto& of = pending.of_kind;
    return {{"total",
             of[syn_sent] + of[syn_sent_retried] + of[syn_received] + of[syn_received_retried]},
            {"syn_sent", {{"first", of[syn_sent]}, {"retried", of[syn_sent_retried]}}},
            {"syn_received", {{"first", of[syn_received]}, {"retried", of[syn_received_retried]}}}};
}

Json capture_object(const Snapshot& snapshot) {
    Json interfaces = Json::object();
    for (const InterfaceCounters& interface : snapshot.interfaces) {
        interfaces[interface.name] = {{"received", interface.received},
                                      {"dropped_by_kernel", interface.dropped_by_kernel},
                                      {"dropped_by_interface", interface.dropped_by_interface}};
    }
    const FrameCounters& frames = snapshot.frames;
    Json ignored = Json::object();
    for (const IgnoredRow& row : ignored_rows(snapshot)) {
        ignored[row.reason] = row.packets;
    }
    Json malformed = Json::object();
    for (std::size_t i = 0; i < frames.malformed.size(); ++i) {
        malformed[std::string(to_string(static_cast<Layer>(i)))] = frames.malformed[i];
    }
    return {{"interfaces", std::move(interfaces)},
            {"frames", frames.frames},
            {"segments", frames.segments},
            {"icmp_errors", frames.icmp_errors},
            {"checksums_unverified", frames.checksums_unverified},
            {"ignored", std::move(ignored)},
            {"malformed", std::move(malformed)},
            {"duplicates", snapshot.tracker.duplicate_packets},
            {"backward_clock_steps", snapshot.tracker.backward_clock_steps},
            {"negative_durations", snapshot.tracker.negative_durations},
            {"ambiguous_latencies", snapshot.tracker.ambiguous_latencies}};
}

Json kernel_filter_object(const KernelFilterCounters& filter) {
    Json object{
        {"state", KernelFilterCounters::kStateNames[static_cast<std::size_t>(filter.state)]},
        {"capacity", filter.capacity},
        {"degradations", filter.degradations},
        {"failed_inserts", filter.failed_inserts},
        {"removed", filter.removed},
        {"swept", filter.swept}};
    if (filter.runs_are_told) {
        object["runs"] = filter.runs;
        object["run_ns"] = filter.run_time.ns;
    }
    return object;
}

Json clients_object(const ClientCounters& clients) {
    return {{"answered",
             {{"get", clients.answered_get},
              {"refresh", clients.answered_refresh},
              {"stats", clients.answered_stats}}},
            {"wrong_commands", clients.wrong_commands},
            {"dropped",
             {{"silent", clients.dropped_silent},
              {"unread", clients.dropped_unread},
              {"crowded", clients.dropped_crowded}}},
            {"hung_up", clients.hung_up},
            {"refreshes_undone", clients.refreshes_undone},
            {"http",
             {{"requests", clients.http_requests},
              {"errors", clients.http_errors},
              {"dropped", clients.http_dropped}}}};
}

}  // namespace

std::vector<IgnoredRow> ignored_rows(const Snapshot& snapshot) {
    std::vector<IgnoredRow> rows;
    for (std::size_t i = 0; i < snapshot.frames.ignored.size(); ++i) {
        rows.push_back(
            {std::string(to_string(static_cast<IgnoredReason>(i))), snapshot.frames.ignored[i]});
    }
    const TrackerCounters& tracker = snapshot.tracker;
    const auto unfit = [&](UnfitKind kind) {
        return tracker.unfit[static_cast<std::size_t>(kind)];
    };
    const std::vector<std::pair<const char*, std::uint64_t>> of_tracker{
        {"mid_stream", tracker.mid_stream},
        {"syn_fin", tracker.syn_fin},
        {"no_ack", tracker.no_ack},
        {"rst_unfit", unfit(UnfitKind::rst)},
        {"synack_unfit", unfit(UnfitKind::synack)},
        {"ack_unfit", unfit(UnfitKind::ack)},
        {"icmp_unfit", unfit(UnfitKind::icmp)},
        {"nothing_new", tracker.useless},
        {"icmp_unmatched", tracker.icmp_unmatched},
        {"orphan_synack", tracker.orphan_synacks},
        {"after_success", tracker.after_success},
        {"syn_after_success", tracker.syn_after_success},
        {"after_unjudged", tracker.after_unjudged},
        {"after_failure", tracker.after_failure}};
    for (const auto& [reason, packets] : of_tracker) {
        rows.push_back({reason, packets});
    }
    return rows;
}

SessionFigures SessionFigures::of(const FilterCounters& counters) {
    return {.success = counters.sessions_of(Outcome::success),
            .dup_syn = counters.successes_with_dup_syn,
            .dup_synack = counters.successes_with_dup_synack,
            .timeout = counters.sessions_of(Outcome::timeout),
            .reject = counters.sessions_of(Outcome::reject),
            .unreach = counters.sessions_of(Outcome::unreach),
            .abort = counters.sessions_of(Outcome::abort),
            .unjudged = counters.sessions_of(Outcome::unjudged),
            .unaccepted = counters.unaccepted,
            .reset_early = counters.reset_early_by_server + counters.reset_early_by_client};
}

SessionFigures& SessionFigures::operator+=(const SessionFigures& other) {
    success += other.success;
    dup_syn += other.dup_syn;
    dup_synack += other.dup_synack;
    timeout += other.timeout;
    reject += other.reject;
    unreach += other.unreach;
    abort += other.abort;
    unjudged += other.unjudged;
    unaccepted += other.unaccepted;
    reset_early += other.reset_early;
    return *this;
}

SessionFigures& SessionFigures::operator-=(const SessionFigures& other) {
    success -= other.success;
    dup_syn -= other.dup_syn;
    dup_synack -= other.dup_synack;
    timeout -= other.timeout;
    reject -= other.reject;
    unreach -= other.unreach;
    abort -= other.abort;
    unjudged -= other.unjudged;
    unaccepted -= other.unaccepted;
    reset_early -= other.reset_early;
    return *this;
}

std::string render_get(const Snapshot& snapshot, const std::vector<std::string>& names) {
    std::vector<SessionFigures> filters;
    for (const FilterCounters& counters : snapshot.filters) {
        filters.push_back(SessionFigures::of(counters));
    }
    Json list = filter_elements(filters, names);
    const InterfaceCounters sum = sum_of(snapshot);
    list.push_back({{"pcap",
                     {{"stats",
                       {{"recv", sum.received},
                        {"drop", sum.dropped_by_kernel},
                        {"ifdrop", sum.dropped_by_interface}}}}}});
    return line_of(list);
}

std::string render_refresh(const std::vector<SessionFigures>& filters,
                           const std::vector<std::string>& names) {
    return line_of(filter_elements(filters, names));
}

std::string render_stats(const Snapshot& snapshot, const std::vector<std::string>& names,
                         const ClientCounters& clients, std::string_view version) {
    Json filters = Json::object();
    for (std::size_t i = 0; i < snapshot.filters.size(); ++i) {
        filters[names[i]] = filter_object(snapshot.filters[i]);
    }
    const Json stats{{"version", version},
                     {"start", render_utc(snapshot.start)},
                     {"now", render_utc(snapshot.now)},
                     {"pending", pending_object(snapshot.pending)},
                     {"remembered", snapshot.remembered},
                     {"evicted", snapshot.tracker.evicted},
                     {"unmatched", snapshot.tracker.unmatched},
                     {"filters", std::move(filters)},
                     {"capture", capture_object(snapshot)},
                     {"undisplayed_records", snapshot.undisplayed},
                     {"kernel_filter", kernel_filter_object(snapshot.kernel_filter)},
                     {"clients", clients_object(clients)}};
    return line_of(stats);
}

std::string render_stats_error(std::string_view message) {
    return line_of(Json{{"error", message}});
}

}  // namespace tcpeek
