#include "output/table.h"

#include <fmt/format.h>

#include "output/local_time.h"

namespace tcpeek {
namespace {

constexpr std::string_view kBoldRed = "\x1b[1;31m";
constexpr std::string_view kYellow = "\x1b[33m";
constexpr std::string_view kReset = "\x1b[0m";

std::string_view result_label(Outcome outcome) {
    switch (outcome) {
        case Outcome::success:
            return "success";
        case Outcome::timeout:
            return "failure (timeout)";
        case Outcome::reject:
            return "failure (reject)";
        case Outcome::unreach:
            return "failure (unreach)";
        case Outcome::abort:
            return "failure (abort)";
        case Outcome::unjudged:
            return "unjudged";
        case Outcome::pending:
            return "pending";
    }
    TCPEEK_UNREACHABLE("outcome out of range");
}

// As wide as an IPv4 endpoint can be; a longer IPv6 one widens its line only.
std::string endpoint_column(const Endpoint& endpoint) {
    const std::string address = endpoint.address.to_string();
    return fmt::format("{:>15}:{:<5}", endpoint.address.is_v4() ? address : "[" + address + "]",
                       endpoint.port);
}

std::string_view colour_of(Outcome outcome) {
    if (is_failure(outcome)) {
        return kBoldRed;
    }
    return outcome == Outcome::unjudged ? kYellow : std::string_view();
}

}  // namespace

std::string render_listening(std::string_view interface, std::string_view link_type,
                             std::string_view description, std::uint32_t snapshot_length) {
    return fmt::format("listening on {}, link-type {} ({}), capture size {} bytes\n", interface,
                       link_type, description, snapshot_length);
}

std::string render_table_heading() {
    return " TIME(s) |       TIMESTAMP       |      SRC IP:PORT            DST IP:PORT     |      "
           "RESULTS      | DUP SYN  DUP S/A\n"
           "-----------------------------------------------------------"
           "-----------------------------------------------------------\n";
}

std::string render_table_line(const SessionRecord& record, TableStyle style) {
    const std::int64_t elapsed_ms = record.elapsed.ns / 1'000'000;
    const Outcome outcome = outcome_of(record.cause);
    const std::string_view colour =
        style == TableStyle::colour ? colour_of(outcome) : std::string_view();
    const LocalTime start = local_time(record.start);
    return fmt::format(
        "{:4}.{:03} | {:02}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} | {} {} | {}{:^17}{}{}| {:>7}  "
        "{:>7}\n",
        elapsed_ms / 1'000, elapsed_ms % 1'000, start.year % 100, start.month, start.day,
        start.hour, start.minute, start.second, start.nanosecond / 1'000'000,
        endpoint_column(record.client), endpoint_column(record.server), colour,
        result_label(outcome), colour.empty() ? std::string_view() : kReset,
        record.capture_loss ? "?" : " ", record.dup_syn, record.dup_synack);
}

}  // namespace tcpeek
