// What the capture thread hands to the printer: values that need nothing of the tracker any more.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "filter/filter_set.h"
#include "handshake/session_record.h"
#include "output/summary.h"

namespace tcpeek {

struct RecordItem {
    SessionRecord record;
    std::vector<FilterIndex> filters;
    std::string interface;  // empty where it is not known
};

struct EventItem {
    SessionEvent event;
    std::vector<FilterIndex> filters;
};

// A line for standard error, such as `listening on`.
struct NoticeItem {
    std::string line;
};

struct SummaryItem {
    SummaryView summary;
};

// From here on records refer to these names.
struct FilterNamesItem {
    std::vector<std::string> names;
};

using DisplayItem = std::variant<RecordItem, EventItem, NoticeItem, SummaryItem, FilterNamesItem>;

}  // namespace tcpeek
