#include "tcpeekstat/totals_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace tcpeek {
namespace {

constexpr std::size_t kLeastNameColumns = 12;
constexpr std::size_t kMostNameColumns = 28;
constexpr std::size_t kFigureColumns = 9;

using Row = std::vector<std::string>;

// Code points; fmt pads by the columns that they take.
std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    }));
}

// The first cell of a row is a name, at the left; the others are figures.
void append_table(const std::vector<Row>& rows, std::vector<std::string>& lines) {
    std::vector<std::size_t> columns(rows.front().size(), kFigureColumns);
    columns.front() = kLeastNameColumns;
    for (const Row& row : rows) {
        columns.front() = std::max(columns.front(), characters(row.front()));
        for (std::size_t i = 1; i < row.size(); ++i) {
            columns[i] = std::max(columns[i], row[i].size() + 1);
        }
    }
    columns.front() = std::min(columns.front(), kMostNameColumns);
    for (const Row& row : rows) {
        std::string line = fmt::format("{0:<{1}.{1}}", row.front(), columns.front());
        for (std::size_t i = 1; i < row.size(); ++i) {
            line += fmt::format("{:>{}}", row[i], columns[i]);
        }
        lines.push_back(std::move(line));
    }
}

// A column of the tables of sessions.
struct Column {
    const char* title;
    std::uint64_t (*figure)(const FilterTotals&);
};

constexpr std::array<Column, 7> kVerdicts{{
    {"success", [](const FilterTotals& of) { return of.success; }},
    {"failure", [](const FilterTotals& of) { return of.failure(); }},
    {"timeout", [](const FilterTotals& of) { return of.timeout; }},
    {"reject", [](const FilterTotals& of) { return of.reject; }},
    {"unreach", [](const FilterTotals& of) { return of.unreach; }},
    {"abort", [](const FilterTotals& of) { return of.abort; }},
    {"unjudged", [](const FilterTotals& of) { return of.unjudged; }},
}};

constexpr std::array<Column, 7> kDetails{{
    {"dup SYN", [](const FilterTotals& of) { return of.syn_retransmitting; }},
    {"dup S/A", [](const FilterTotals& of) { return of.synack_retransmitting; }},
    {"recovered", [](const FilterTotals& of) { return of.recovered; }},
    {"doubtful", [](const FilterTotals& of) { return of.doubtful_timeouts; }},
    {"unaccepted", [](const FilterTotals& of) { return of.unaccepted; }},
    {"early RST", [](const FilterTotals& of) { return of.reset_early; }},
    {"evicted", [](const FilterTotals& of) { return of.evicted; }},
}};

const FilterTotals* find(const Totals& totals, const std::string& name) {
    const auto found = std::find_if(totals.filters.begin(), totals.filters.end(),
                                    [&](const FilterTotals& of) { return of.name == name; });
    return found == totals.filters.end() ? nullptr : &*found;
}

std::string rate(std::uint64_t now, std::uint64_t before, double seconds) {
    const std::uint64_t difference = now > before ? now - before : 0;
    return difference == 0 ? "-" : fmt::format("{:.1f}", static_cast<double>(difference) / seconds);
}

template <std::size_t count>
void append_figures(const Totals& totals, const std::optional<Interval>& interval,
                    const std::array<Column, count>& columns, std::vector<std::string>& lines) {
    std::vector<Row> rows{{"filter"}};
    for (const Column& column : columns) {
        rows.front().emplace_back(column.title);
    }
    for (const FilterTotals& filter : totals.filters) {
        rows.push_back({filter.name});
        for (const Column& column : columns) {
            rows.back().push_back(fmt::format("{}", column.figure(filter)));
        }
        const FilterTotals* before = interval ? find(interval->before, filter.name) : nullptr;
        if (before == nullptr) {
            continue;
        }
        rows.push_back({"  per second"});
        for (const Column& column : columns) {
            rows.back().push_back(
                rate(column.figure(filter), column.figure(*before), interval->seconds));
        }
    }
    append_table(rows, lines);
}

// Three significant digits in the unit that suits.
std::string shown(const std::optional<Duration>& duration) {
    if (!duration) {
        return "-";
    }
    const auto nanoseconds = static_cast<double>(duration->ns);
    if (nanoseconds < 999.5e3) {
        return fmt::format("{:.3g} us", nanoseconds / 1e3);
    }
    return nanoseconds < 999.5e6 ? fmt::format("{:.3g} ms", nanoseconds / 1e6)
                                 : fmt::format("{:.3g} s", nanoseconds / 1e9);
}

void append_latencies(const Totals& totals, std::vector<std::string>& lines) {
    std::vector<Row> rows{{"latency", "sessions", "p50", "p90", "p99", "max"}};
    for (const FilterTotals& filter : totals.filters) {
        const std::array<std::pair<std::string, const LatencyTotals*>, 3> parts{
            {{filter.name, &filter.elapsed},
             {"  to SYN/ACK", &filter.synack},
             {"  to ACK", &filter.ack}}};
        for (const auto& [name, latency] : parts) {
            if (latency == &filter.elapsed || latency->count > 0) {
                rows.push_back({name, fmt::format("{}", latency->count), shown(latency->p50),
                                shown(latency->p90), shown(latency->p99), shown(latency->max)});
            }
        }
    }
    append_table(rows, lines);
}

// "2026-11-24T01:20:11.552123456Z" without its fraction.
std::string to_the_second(const std::string& utc) {
    std::string text = utc.substr(0, 19);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text;
}

std::string pending_line(const Totals& totals) {
    return fmt::format(
        "pending {}: {} without an answer ({} tried again), {} half open ({} tried again)",
        totals.syn_sent + totals.syn_received, totals.syn_sent, totals.syn_sent_retried,
        totals.syn_received, totals.syn_received_retried);
}

}  // namespace

std::vector<std::string> view_of(const Totals& totals, const std::optional<Interval>& interval) {
    std::vector<std::string> lines;
    lines.push_back(fmt::format("tcpeek {}, from {} to {} UTC", totals.version,
                                to_the_second(totals.start), to_the_second(totals.now)));
    lines.push_back(pending_line(totals));
    lines.emplace_back();
    append_figures(totals, interval, kVerdicts, lines);
    lines.emplace_back();
    append_figures(totals, std::nullopt, kDetails, lines);
    lines.emplace_back();
    append_latencies(totals, lines);
    lines.emplace_back();
    lines.push_back(
        fmt::format("capture: {} packets, dropped {} by the kernel and {} by the "
                    "interface",
                    totals.packets, totals.dropped_by_kernel, totals.dropped_by_interface));
    lines.push_back(fmt::format("sessions of no filter {}, records not displayed {}",
                                totals.unmatched, totals.undisplayed));
    return lines;
}

}  // namespace tcpeek
