// Messages to the journal, with fields, or to syslog(3).
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/timestamp.h"

namespace tcpeek {

// Levels as syslog(3) numbers them.
enum class LogLevel : int { emerg, alert, crit, error, warning, notice, info, debug };

// A field of a journal entry beside its message; its name is written TCPEEK_NAME there.
struct LogField {
    std::string_view name;
    std::string value;
};

// Bounds how much is logged, whatever goes wrong how often, or is asked for by `-l debug`.
class LogRate {
  public:
    static constexpr std::uint32_t kMessages = 1'000;
    static constexpr Duration kPeriod = Duration::seconds(10);

    // Whether one more may be written at `now` of a steady clock.
    bool admit(Duration now);
    // How many were not admitted in the period before, once, when a new one has begun.
    std::uint64_t take_suppressed();

  private:
    std::optional<Duration> period_start_;
    std::uint32_t admitted_ = 0;
    std::uint64_t suppressed_ = 0;
    std::uint64_t suppressed_before_ = 0;
};

// One per process, since syslog(3) is. Usable from every thread. What cannot be delivered is lost
// without harm.
class Log {
  public:
    // Nothing above `least` is logged. To the journal where standard error goes there
    // (JOURNAL_STREAM), else to syslog(3).
    explicit Log(LogLevel least);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(LogLevel level, const std::string& message,
               std::initializer_list<LogField> fields = {}) const;
    // For messages that cost something to make.
    [[nodiscard]] bool enabled(LogLevel level) const {
        return level <= least_.load(std::memory_order_relaxed);
    }
    void set_least(LogLevel least) { least_.store(least, std::memory_order_relaxed); }

  private:
    void deliver(LogLevel level, const std::string& message,
                 std::initializer_list<LogField> fields) const;

    std::atomic<LogLevel> least_;
    bool to_journal_;
    mutable std::mutex mutex_;
    mutable LogRate rate_;
};

}  // namespace tcpeek
