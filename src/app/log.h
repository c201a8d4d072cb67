// Messages to syslog(3), which has the levels, the filter and the rate of its own.
#pragma once

#include <string>

namespace tcpeek {

// Levels as syslog(3) numbers them.
enum class LogLevel : int { emerg, alert, crit, error, warning, notice, info, debug };

// One per process, since syslog(3) is. Usable from every thread.
class Log {
  public:
    // Nothing above `least` is logged.
    explicit Log(LogLevel least);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void write(LogLevel level, const std::string& message) const;
    // For messages that cost something to make.
    [[nodiscard]] bool enabled(LogLevel level) const { return level <= least_; }

  private:
    LogLevel least_;
};

}  // namespace tcpeek
