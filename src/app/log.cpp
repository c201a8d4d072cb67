#include "app/log.h"

#include <syslog.h>

namespace tcpeek {

Log::Log(LogLevel least) : least_(least) {
    openlog("tcpeek", LOG_PID | LOG_NDELAY, LOG_DAEMON);
    setlogmask(LOG_UPTO(static_cast<int>(least)));
}

Log::~Log() {
    closelog();
}

void Log::write(LogLevel level, const std::string& message) const {
    if (enabled(level)) {
        syslog(static_cast<int>(level), "%s", message.c_str());
    }
}

}  // namespace tcpeek
