#include "output/prometheus.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <limits>

#include "output/stats_json.h"

namespace tcpeek {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

struct Input {
    const Snapshot& snapshot;
    const std::vector<std::string>& names;
    const ProcessCost& cost;
    std::string_view version;
};

void add(MetricFamily& family, Labels labels, double value) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = value;
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
}

void add(MetricFamily& family, Labels labels, std::uint64_t value) {
    add(family, std::move(labels), static_cast<double>(value));
}

// Calls `collect(labels of the filter, its counters)` for every filter.
template <typename Collect>
void for_filters(const Input& input, Collect collect) {
    for (std::size_t i = 0; i < input.snapshot.filters.size(); ++i) {
        collect(Labels{{"filter", input.names[i]}}, input.snapshot.filters[i]);
    }
}

Labels with(Labels labels, const char* name, std::string_view value) {
    labels.push_back({name, std::string(value)});
    return labels;
}

template <std::uint64_t SessionCounters::*counter>
void collect_filter_counter(const Input& input, MetricFamily& family) {
    for_filters(input, [&](const Labels& labels, const FilterCounters& counters) {
        add(family, labels, counters.*counter);
    });
}

template <std::uint64_t SessionCounters::*syn, std::uint64_t SessionCounters::*synack>
void collect_by_segment(const Input& input, MetricFamily& family) {
    for_filters(input, [&](const Labels& labels, const FilterCounters& counters) {
        add(family, with(labels, "segment", "syn"), counters.*syn);
        add(family, with(labels, "segment", "synack"), counters.*synack);
    });
}

void collect_sessions(const Input& input, MetricFamily& family) {
    for_filters(input, [&](const Labels& labels, const FilterCounters& counters) {
        for (const CauseProperties& cause : cause_table()) {
            if (cause.outcome != Outcome::pending && cause.cause != Cause::icmp_error) {
                add(family,
                    with(with(labels, "result", to_string(cause.outcome)), "cause", cause.name),
                    counters.sessions[static_cast<std::size_t>(cause.cause)]);
            }
        }
        for (std::size_t i = 0; i < counters.unreach.size(); ++i) {
            if (counters.unreach[i] > 0) {
                add(family, with(with(labels, "result", "unreach"), "cause", icmp_causes()[i].name),
                    counters.unreach[i]);
            }
        }
    });
}

void add_histogram(MetricFamily& family, Labels labels, const LatencyHistogram& histogram) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.histogram.sample_count = histogram.count();
    metric.histogram.sample_sum = static_cast<double>(histogram.sum().ns) / 1e9;
    std::uint64_t cumulative = 0;
    for (std::size_t i = 0; i < histogram.buckets().size(); ++i) {
        cumulative += histogram.buckets()[i];
        const double bound = i < LatencyHistogram::kBounds.size()
                                 ? static_cast<double>(LatencyHistogram::kBounds[i].ns) / 1e9
                                 : std::numeric_limits<double>::infinity();
        metric.histogram.bucket.push_back({cumulative, bound});
    }
    family.metric.push_back(std::move(metric));
}

void collect_latency(const Input& input, MetricFamily& family) {
    for_filters(input, [&](const Labels& labels, const FilterCounters& counters) {
        add_histogram(family, with(labels, "part", "total"), counters.elapsed);
        add_histogram(family, with(labels, "part", "synack"), counters.synack);
        add_histogram(family, with(labels, "part", "ack"), counters.ack);
    });
}

void collect_pending(const Input& input, MetricFamily& family) {
    using enum PendingCounts::Kind;
    const auto& of_kind = input.snapshot.pending.of_kind;
    add(family, {{"stage", "syn_sent"}, {"retried", "0"}}, std::uint64_t{of_kind[syn_sent]});
    add(family, {{"stage", "syn_sent"}, {"retried", "1"}},
        std::uint64_t{of_kind[syn_sent_retried]});
    add(family, {{"stage", "syn_received"}, {"retried", "0"}},
        std::uint64_t{of_kind[syn_received]});
    add(family, {{"stage", "syn_received"}, {"retried", "1"}},
        std::uint64_t{of_kind[syn_received_retried]});
}

void collect_reset_early(const Input& input, MetricFamily& family) {
    for_filters(input, [&](const Labels& labels, const FilterCounters& counters) {
        add(family, with(labels, "by", "server"), counters.reset_early_by_server);
        add(family, with(labels, "by", "client"), counters.reset_early_by_client);
    });
}

void collect_packets(const Input& input, MetricFamily& family) {
    for (const InterfaceCounters& interface : input.snapshot.interfaces) {
        add(family, {{"interface", interface.name}}, interface.received);
    }
}

void collect_drops(const Input& input, MetricFamily& family) {
    for (const InterfaceCounters& interface : input.snapshot.interfaces) {
        const Labels labels{{"interface", interface.name}};
        add(family, with(labels, "by", "kernel"), interface.dropped_by_kernel);
        add(family, with(labels, "by", "interface"), interface.dropped_by_interface);
    }
}

void collect_ignored(const Input& input, MetricFamily& family) {
    for (const IgnoredRow& row : ignored_rows(input.snapshot)) {
        add(family, {{"reason", row.reason}}, row.packets);
    }
    for (std::size_t i = 0; i < input.snapshot.frames.malformed.size(); ++i) {
        add(family, {{"reason", "malformed_" + std::string(to_string(static_cast<Layer>(i)))}},
            input.snapshot.frames.malformed[i]);
    }
}

template <std::uint64_t TrackerCounters::*counter>
void collect_tracker_counter(const Input& input, MetricFamily& family) {
    add(family, {}, input.snapshot.tracker.*counter);
}

void collect_undisplayed(const Input& input, MetricFamily& family) {
    add(family, {}, input.snapshot.undisplayed);
}

void collect_filter_state(const Input& input, MetricFamily& family) {
    using K = KernelFilterCounters;
    for (std::size_t i = 0; i < K::kStateNames.size(); ++i) {
        const bool is = static_cast<std::size_t>(input.snapshot.kernel_filter.state) == i;
        add(family, {{"state", std::string(K::kStateNames[i])}}, is ? 1.0 : 0.0);
    }
}

template <std::uint64_t KernelFilterCounters::*counter>
void collect_kernel_filter(const Input& input, MetricFamily& family) {
    add(family, {}, input.snapshot.kernel_filter.*counter);
}

void collect_filter_runs(const Input& input, MetricFamily& family) {
    if (input.snapshot.kernel_filter.runs_are_told) {
        add(family, {}, input.snapshot.kernel_filter.runs);
    }
}

void collect_filter_time(const Input& input, MetricFamily& family) {
    if (input.snapshot.kernel_filter.runs_are_told) {
        add(family, {}, static_cast<double>(input.snapshot.kernel_filter.run_time.ns) / 1e9);
    }
}

void collect_build(const Input& input, MetricFamily& family) {
    add(family, {{"version", std::string(input.version)}}, 1.0);
}

void collect_cpu(const Input& input, MetricFamily& family) {
    add(family, {}, input.cost.cpu_seconds);
}

void collect_memory(const Input& input, MetricFamily& family) {
    add(family, {}, input.cost.resident_octets);
}

// A metric is a row here and a function that collects it.
struct FamilyRow {
    const char* name;
    MetricType type;
    const char* help;
    void (*collect)(const Input&, MetricFamily&);
};

using C = SessionCounters;
using T = TrackerCounters;
using K = KernelFilterCounters;

const std::vector<FamilyRow>& family_table() {
    static const std::vector<FamilyRow> kFamilies{
        {"tcpeek_sessions_total", MetricType::Counter,
         "Connection attempts by verdict; recovered ones count as success, too.", collect_sessions},
        {"tcpeek_retransmitting_sessions_total", MetricType::Counter,
         "Sessions whose SYN or SYN/ACK was sent again.",
         collect_by_segment<&C::syn_retransmitting, &C::synack_retransmitting>},
        {"tcpeek_retransmitted_segments_total", MetricType::Counter,
         "SYN and SYN/ACK segments that were sent again.",
         collect_by_segment<&C::syns_retransmitted, &C::synacks_retransmitted>},
        {"tcpeek_recovered_sessions_total", MetricType::Counter,
         "Sessions that succeeded after a verdict of failure.",
         collect_filter_counter<&C::recovered>},
        {"tcpeek_handshake_duration_seconds", MetricType::Histogram,
         "Time of successful handshakes: as a whole, to the SYN/ACK, from there to the ACK.",
         collect_latency},
        {"tcpeek_sessions_pending", MetricType::Gauge, "Connection attempts without a verdict yet.",
         collect_pending},
        {"tcpeek_unaccepted_sessions_total", MetricType::Counter,
         "Successful sessions whose final ACK the server dropped.",
         collect_filter_counter<&C::unaccepted>},
        {"tcpeek_reset_early_sessions_total", MetricType::Counter,
         "Successful sessions that were reset before any data of the server.", collect_reset_early},
        {"tcpeek_doubtful_timeouts_total", MetricType::Counter,
         "Timeouts while the capture lost packets.", collect_filter_counter<&C::doubtful_timeouts>},
        {"tcpeek_filter_evicted_total", MetricType::Counter,
         "Pending sessions that were given up above the limit, by filter.",
         collect_filter_counter<&C::evicted>},
        {"tcpeek_sessions_evicted_total", MetricType::Counter,
         "Pending sessions that were given up above the limit.",
         collect_tracker_counter<&T::evicted>},
        {"tcpeek_unmatched_sessions_total", MetricType::Counter,
         "Connection attempts that no filter wants.", collect_tracker_counter<&T::unmatched>},
        {"tcpeek_capture_packets_total", MetricType::Counter,
         "Packets that came at the interface, dropped ones included.", collect_packets},
        {"tcpeek_capture_dropped_total", MetricType::Counter,
         "Packets that the capture lost: verdicts may be wrong.", collect_drops},
        {"tcpeek_ignored_packets_total", MetricType::Counter,
         "Packets that say nothing about a connection attempt.", collect_ignored},
        {"tcpeek_duplicate_packets_total", MetricType::Counter,
         "Copies of packets that the capture made.",
         collect_tracker_counter<&T::duplicate_packets>},
        {"tcpeek_undisplayed_records_total", MetricType::Counter,
         "Records that were counted but not shown, since their reader was too slow.",
         collect_undisplayed},
        {"tcpeek_kernel_filter_state", MetricType::Gauge,
         "1 for the state that the kernel filter is in.", collect_filter_state},
        {"tcpeek_kernel_filter_degradations_total", MetricType::Counter,
         "How often the kernel filter's table was too small, so that more packets were looked at.",
         collect_kernel_filter<&K::degradations>},
        {"tcpeek_kernel_filter_failed_inserts_total", MetricType::Counter,
         "SYNs that found no room in the kernel filter's table.",
         collect_kernel_filter<&K::failed_inserts>},
        {"tcpeek_kernel_filter_runs_total", MetricType::Counter,
         "Packets that the kernel filter looked at, while the kernel counts them.",
         collect_filter_runs},
        {"tcpeek_kernel_filter_run_seconds_total", MetricType::Counter,
         "Processor time of the kernel filter, while the kernel measures it.", collect_filter_time},
        {"tcpeek_build_info", MetricType::Gauge, "The version that runs.", collect_build},
        {"process_cpu_seconds_total", MetricType::Counter,
         "Processor time that tcpeek took, user and system.", collect_cpu},
        {"process_resident_memory_bytes", MetricType::Gauge, "Memory that tcpeek occupies.",
         collect_memory}};
    return kFamilies;
}

}  // namespace

std::string render_prometheus(const Snapshot& snapshot, const std::vector<std::string>& names,
                              const ProcessCost& cost, std::string_view version) {
    const Input input{snapshot, names, cost, version};
    std::vector<MetricFamily> families;
    for (const FamilyRow& row : family_table()) {
        MetricFamily family;
        family.name = row.name;
        family.help = row.help;
        family.type = row.type;
        row.collect(input, family);
        if (!family.metric.empty()) {
            families.push_back(std::move(family));
        }
    }
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace tcpeek
