// A point in time as calendar fields, local or UTC.
#pragma once

#include <cstdint>

#include "base/timestamp.h"

namespace tcpeek {

struct CalendarTime {
    int year = 1970;
    int month = 1;  // 1..12
    int day = 1;
    int hour = 0;
    int minute = 0;
    int second = 0;
    int nanosecond = 0;
};
using LocalTime = CalendarTime;

// In the time zone of the process.
LocalTime local_time(Timestamp time);
CalendarTime utc_time(Timestamp time);

}  // namespace tcpeek
