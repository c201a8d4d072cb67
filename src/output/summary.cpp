#include "output/summary.h"

#include <fmt/format.h>

#include <iterator>

#include "output/local_time.h"

namespace tcpeek {
namespace {

constexpr const char* kRule = "------------------------------------\n";

class Text {
  public:
    template <typename... Arguments>
    void add(fmt::format_string<Arguments...> form, Arguments&&... arguments) {
        fmt::format_to(std::back_inserter(text_), form, std::forward<Arguments>(arguments)...);
    }
    void row(const char* label, std::uint64_t value) { add("     {:<22}: {:>6}\n", label, value); }
    void row_unless_zero(const char* label, std::uint64_t value) {
        if (value > 0) {
            row(label, value);
        }
    }
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    std::string text_;
};

std::string local_stamp(const std::optional<Timestamp>& time) {
    if (!time) {
        return "-";
    }
    const LocalTime fields = local_time(*time);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", fields.year, fields.month, fields.day,
                       fields.hour, fields.minute, fields.second);
}

void add_filter(Text& text, const FilterSummary& filter, bool icmp) {
    text.add(" {}\n   Success: {} session\n", filter.name, filter.successes);
    text.row("SYN Segment Duplicate", filter.successes_with_dup_syn);
    text.row("S/A Segment Duplicate", filter.successes_with_dup_synack);
    text.row_unless_zero("Not Accepted by Server ", filter.unaccepted);
    text.row_unless_zero("Reset before any Data  ", filter.reset_early);
    text.add("   Failure: {} session\n",
             filter.timeouts + filter.rejects + filter.unreaches + filter.aborts);
    text.row("Connection Timed Out", filter.timeouts);
    if (filter.doubtful_timeouts > 0) {
        text.row("  of which doubtful", filter.doubtful_timeouts);
    }
    text.row("Connection Rejected", filter.rejects);
    if (icmp) {
        text.row("ICMP Unreachable", filter.unreaches);
    }
    text.row_unless_zero("Connection Aborted", filter.aborts);
    if (filter.unjudged > 0) {
        text.add("   Unjudged: {} session\n", filter.unjudged);
    }
    text.add("{}", kRule);
}

void add_capture(Text& text, const CaptureSummary& capture) {
    const auto row = [&](const char* label, std::uint64_t value) {
        text.add("   {:<22}: {:>10}\n", label, value);
    };
    text.add(" capture\n");
    row("Packets received", capture.received);
    row("Dropped by kernel", capture.dropped_by_kernel);
    row("Dropped by interface", capture.dropped_by_interface);
    row("Sessions pending", capture.pending);
    row("Sessions evicted", capture.evicted);
    if (capture.malformed > 0) {
        row("Packets malformed", capture.malformed);
    }
    if (capture.undisplayed > 0) {
        row("Records not displayed", capture.undisplayed);
    }
}

void add_details(Text& text, const std::vector<DetailRow>& details) {
    text.add("{} details\n", kRule);
    for (const DetailRow& row : details) {
        if (row.count > 0) {
            text.add("   {:<22}: {:>10}\n", row.name, row.count);
        }
    }
}

}  // namespace

std::string render_summary(const SummaryView& summary) {
    Text text;
    const std::int64_t milliseconds =
        summary.from && summary.to ? (*summary.to - *summary.from).ns / 1'000'000 : 0;
    const std::int64_t shown = milliseconds < 0 ? 0 : milliseconds;
    text.add("========== TCPEEK SUMMARY ==========\n");
    text.add("     from : {}\n", local_stamp(summary.from));
    text.add("       to : {}\n", local_stamp(summary.to));
    text.add("     time : {:>13} (sec)\n", fmt::format("{}.{:03}", shown / 1'000, shown % 1'000));
    text.add("{}", kRule);
    for (const FilterSummary& filter : summary.filters) {
        add_filter(text, filter, summary.icmp);
    }
    add_capture(text, summary.capture);
    if (summary.details) {
        add_details(text, *summary.details);
    }
    text.add("====================================\n");
    return text.text();
}

}  // namespace tcpeek
