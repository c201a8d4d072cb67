#include "app/live_service.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

namespace tcpeek {

void LiveService::follow_capture_thread() {
    all_.mailbox.post([this] { all_.loop.post([this] { manager_.ready(); }); });
    if (const auto interval = ServiceManager::alive_interval()) {
        all_.loop.every(*interval, [this] { ask_whether_alive(); });
    }
}

// Both threads feed the watchdog: the question is the main thread's, the answer the capture
// thread's. What is not answered yet is not asked again.
void LiveService::ask_whether_alive() {
    if (std::exchange(alive_asked_, true)) {
        return;
    }
    all_.mailbox.post([this] {
        all_.loop.post([this] {
            alive_asked_ = false;
            manager_.alive();
        });
    });
    all_.wake();
}

bool LiveService::hang_up() {
    const bool has_file = !all_.config.config_file.empty();
    if (terminal_.hung_up() || (!has_file && !all_.managed)) {
        return false;
    }
    if (next_filters_) {
        reload_again_ = true;
    } else {
        read_configuration_again();
    }
    return true;
}

void LiveService::read_configuration_again() {
    manager_.reloading();
    if (all_.config.config_file.empty()) {
        all_.log.write(LogLevel::notice, "SIGHUP: without --config there is nothing to read again");
        manager_.ready();
        return;
    }
    Result<FilterSet> filters = reload_.read();
    if (!filters) {
        all_.log.write(
            LogLevel::error,
            fmt::format("the configuration stays as it was: {}", filters.error().message),
            {{"EVENT", "reload_failed"}});
        manager_.ready();
        return;
    }
    replace_filters(std::move(filters).value());
}

void LiveService::replace_filters(FilterSet next) {
    const std::string names = fmt::format("{}", fmt::join(next.names(), ", "));
    next.set_local_addresses(all_.local_addresses());
    next_filters_.emplace(std::move(next));
    all_.mailbox.post([this, names] {
        all_.pipeline.replace_filters(std::move(*next_filters_));
        all_.loop.post([this, names] {
            all_.log.write(LogLevel::notice,
                           fmt::format("read {} again, filters {}", all_.config.config_file, names),
                           {{"EVENT", "reloaded"}, {"FILTERS", names}});
            end_reload();
        });
    });
    all_.wake();
}

void LiveService::end_reload() {
    next_filters_.reset();
    manager_.ready();
    if (std::exchange(reload_again_, false)) {
        read_configuration_again();
    }
}

}  // namespace tcpeek
