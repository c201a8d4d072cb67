// Points in time and spans between them, in whole nanoseconds. Arithmetic saturates instead of
// overflowing, since capture files can hold any 64-bit time.
#pragma once

#include <compare>
#include <cstdint>

namespace tcpeek {

// A span of time in nanoseconds, possibly negative.
struct Duration {
    std::int64_t ns = 0;

    static constexpr Duration nanoseconds(std::int64_t n) { return {n}; }
    static constexpr Duration microseconds(std::int64_t n) { return {n * 1'000}; }
    static constexpr Duration milliseconds(std::int64_t n) { return {n * 1'000'000}; }
    static constexpr Duration seconds(std::int64_t n) { return {n * 1'000'000'000}; }

    friend constexpr auto operator<=>(Duration, Duration) = default;
    friend constexpr Duration operator-(Duration d) {
        return {d.ns == INT64_MIN ? INT64_MAX : -d.ns};
    }
    friend constexpr Duration operator*(Duration d, std::int64_t factor) { return {d.ns * factor}; }
};

namespace detail {

constexpr std::int64_t add_saturating(std::int64_t a, std::int64_t b) {
    std::int64_t sum = 0;
    if (!__builtin_add_overflow(a, b, &sum)) {
        return sum;
    }
    return b < 0 ? INT64_MIN : INT64_MAX;
}

constexpr std::int64_t subtract_saturating(std::int64_t a, std::int64_t b) {
    std::int64_t difference = 0;
    if (!__builtin_sub_overflow(a, b, &difference)) {
        return difference;
    }
    return b < 0 ? INT64_MAX : INT64_MIN;
}

}  // namespace detail

constexpr Duration operator+(Duration a, Duration b) {
    return {detail::add_saturating(a.ns, b.ns)};
}
constexpr Duration operator-(Duration a, Duration b) {
    return {detail::subtract_saturating(a.ns, b.ns)};
}

// A point in time: nanoseconds since 1970-01-01T00:00:00Z, or on the tracker's own clock that
// started there.
struct Timestamp {
    std::int64_t ns = 0;

    friend constexpr auto operator<=>(Timestamp, Timestamp) = default;
};

constexpr Timestamp operator+(Timestamp t, Duration d) {
    return {detail::add_saturating(t.ns, d.ns)};
}
constexpr Timestamp operator-(Timestamp t, Duration d) {
    return {detail::subtract_saturating(t.ns, d.ns)};
}
constexpr Duration operator-(Timestamp a, Timestamp b) {
    return {detail::subtract_saturating(a.ns, b.ns)};
}

}  // namespace tcpeek
