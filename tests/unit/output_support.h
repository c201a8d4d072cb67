// What the tests of the renderers share: records to start from, and a time zone for a while.
#pragma once

#include <cstdlib>
#include <ctime>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "handshake/session_record.h"

namespace tcpeek::testing {

// The process's time zone is `name` (as in TZ) as long as this lives.
class TimeZone {
  public:
    explicit TimeZone(const char* name) {
        if (const char* before = std::getenv("TZ")) {
            before_ = before;
        }
        set(name);
    }
    TimeZone(const TimeZone&) = delete;
    TimeZone& operator=(const TimeZone&) = delete;
    ~TimeZone() { set(before_ ? before_->c_str() : nullptr); }

  private:
    static void set(const char* name) {
        if (name != nullptr) {
            ::setenv("TZ", name, 1);
        } else {
            ::unsetenv("TZ");
        }
        ::tzset();
    }

    std::optional<std::string> before_;
};

inline Endpoint endpoint(std::string_view address, std::uint16_t port) {
    return {IpAddress::parse(address).value(), port};
}

inline History history_of(std::initializer_list<HistoryLetter> letters) {
    History history;
    for (const HistoryLetter letter : letters) {
        history.append(letter);
    }
    return history;
}

// 2012-07-06T07:39:02.552123456Z, the time of the examples in the description of the formats.
inline constexpr Timestamp kExampleTime{1'341'560'342'552'123'456};

// The session of those examples.
inline SessionRecord example_record() {
    SessionRecord record;
    record.start = kExampleTime;
    record.client = endpoint("192.168.2.227", 48967);
    record.server = endpoint("192.168.2.202", 80);
    record.cause = Cause::established;
    record.elapsed = Duration::milliseconds(2);
    record.synack = Duration::microseconds(1500);
    record.ack = Duration::microseconds(500);
    record.history = history_of(
        {HistoryLetter::client_syn, HistoryLetter::server_synack, HistoryLetter::client_ack});
    return record;
}

}  // namespace tcpeek::testing
