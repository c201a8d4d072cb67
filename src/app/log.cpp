#include "app/log.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>
#include <vector>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "capture/boot_clock.h"

namespace tcpeek {
namespace {

// systemd names device and inode of the stream that it has connected (systemd.exec(5)).
bool standard_error_is_journal() {
    const char* stream = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    return stream != nullptr && ::fstat(STDERR_FILENO, &status) == 0 &&
           fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

void send_to_journal(LogLevel level, const std::string& message,
                     std::initializer_list<LogField> fields) {
    std::vector<std::string> entries{
        "MESSAGE=" + message,
        fmt::format("PRIORITY={}", static_cast<int>(level)),
        "SYSLOG_IDENTIFIER=tcpeek",
        fmt::format("SYSLOG_FACILITY={}", LOG_FAC(LOG_DAEMON)),
    };
    for (const LogField& field : fields) {
        entries.push_back(fmt::format("TCPEEK_{}={}", field.name, field.value));
    }
    std::vector<iovec> vectors;
    for (std::string& entry : entries) {
        vectors.push_back({entry.data(), entry.size()});
    }
    static_cast<void>(::sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size())));
}

}  // namespace

bool LogRate::admit(Duration now) {
    if (!period_start_ || now - *period_start_ >= kPeriod) {
        period_start_ = now;
        admitted_ = 0;
        suppressed_before_ += suppressed_;
        suppressed_ = 0;
    }
    if (admitted_ >= kMessages) {
        ++suppressed_;
        return false;
    }
    ++admitted_;
    return true;
}

std::uint64_t LogRate::take_suppressed() {
    return std::exchange(suppressed_before_, 0);
}

Log::Log(LogLevel least) : least_(least), to_journal_(standard_error_is_journal()) {
    if (!to_journal_) {
        openlog("tcpeek", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    }
}

Log::~Log() {
    if (!to_journal_) {
        closelog();
    }
}

void Log::write(LogLevel level, const std::string& message,
                std::initializer_list<LogField> fields) const {
    if (!enabled(level)) {
        return;
    }
    std::uint64_t suppressed = 0;
    {
        const std::lock_guard lock(mutex_);
        if (!rate_.admit(boot_clock_now())) {
            return;
        }
        suppressed = rate_.take_suppressed();
    }
    if (suppressed > 0) {
        deliver(LogLevel::notice,
                fmt::format("{} messages were left out: too many came at once", suppressed), {});
    }
    deliver(level, message, fields);
}

void Log::deliver(LogLevel level, const std::string& message,
                  std::initializer_list<LogField> fields) const {
    if (to_journal_) {
        send_to_journal(level, message, fields);
    } else {
        syslog(static_cast<int>(level), "%s", message.c_str());
    }
}

}  // namespace tcpeek
