// JSON lines: one object a session or event (FORMATS: "JSON lines").
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "filter/filter_set.h"
#include "handshake/session_record.h"

namespace tcpeek {

// What turns indexes into names: filter names by FilterIndex. Borrowed.
struct JsonNames {
    const std::vector<std::string>& filters;
};

// One line with its newline. `interface` is left out when empty; bytes in names that are no UTF-8
// are replaced.
std::string render_json(const SessionRecord& record, const JsonNames& names,
                        std::span<const FilterIndex> filters, std::string_view interface);
std::string render_json(const SessionEvent& event, const JsonNames& names,
                        std::span<const FilterIndex> filters);

// "2012-07-06T07:39:02.552123456Z"
std::string render_utc(Timestamp time);

// The cause as users read it, e.g. "no_reply" or "icmp_3_13".
std::string cause_name(const SessionRecord& record);

}  // namespace tcpeek
