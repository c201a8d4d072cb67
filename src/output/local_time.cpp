#include "output/local_time.h"

#include <ctime>

namespace tcpeek {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

// Seconds rounded down, so that the rest is not negative before 1970 either.
std::time_t whole_seconds(Timestamp time) {
    return time.ns / kSecond - (time.ns % kSecond < 0 ? 1 : 0);
}

CalendarTime calendar(const std::tm& fields, Timestamp time) {
    CalendarTime result;
    result.year = fields.tm_year + 1900;
    result.month = fields.tm_mon + 1;
    result.day = fields.tm_mday;
    result.hour = fields.tm_hour;
    result.minute = fields.tm_min;
    result.second = fields.tm_sec;
    result.nanosecond = static_cast<int>((time.ns % kSecond + kSecond) % kSecond);
    return result;
}

}  // namespace

LocalTime local_time(Timestamp time) {
    const std::time_t seconds = whole_seconds(time);
    std::tm fields{};
    localtime_r(&seconds, &fields);
    return calendar(fields, time);
}

CalendarTime utc_time(Timestamp time) {
    const std::time_t seconds = whole_seconds(time);
    std::tm fields{};
    gmtime_r(&seconds, &fields);
    return calendar(fields, time);
}

}  // namespace tcpeek
