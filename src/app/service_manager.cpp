#include "app/service_manager.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <cstdint>
#include <cstdlib>
#include <ctime>

#include "base/unique_fd.h"

namespace tcpeek {
namespace {

// Whether it arrives is the manager's business.
void notify(const std::string& state) {
    static_cast<void>(::sd_notify(0, state.c_str()));
}

bool has_terminal() {
    return UniqueFd(::open("/dev/tty", O_RDONLY | O_NOCTTY | O_CLOEXEC)).valid();
}

// Type=notify-reload tells the answer to its own SIGHUP from others by it.
std::uint64_t monotonic_microseconds() {
    timespec now{};
    static_cast<void>(::clock_gettime(CLOCK_MONOTONIC, &now));
    return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000U +
           static_cast<std::uint64_t>(now.tv_nsec) / 1'000U;
}

}  // namespace

bool ServiceManager::present() {
    return std::getenv("NOTIFY_SOCKET") != nullptr ||
           (std::getenv("INVOCATION_ID") != nullptr && !has_terminal());
}

void ServiceManager::ready() {
    ready_ = true;
    notify_with_status("READY=1");
}

void ServiceManager::reloading() {
    notify(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the configuration again",
                       monotonic_microseconds()));
}

void ServiceManager::stopping() {
    notify("STOPPING=1\nSTATUS=stopping");
}

void ServiceManager::set_status(std::string status) {
    if (status == status_) {
        return;
    }
    status_ = std::move(status);
    if (ready_) {
        notify("STATUS=" + status_);
    }
}

void ServiceManager::alive() {
    notify("WATCHDOG=1");
}

std::optional<std::chrono::microseconds> ServiceManager::alive_interval() {
    std::uint64_t allowed = 0;
    if (::sd_watchdog_enabled(0, &allowed) <= 0) {
        return std::nullopt;
    }
    return std::chrono::microseconds(allowed / 2);
}

void ServiceManager::notify_with_status(const std::string& state) const {
    notify(status_.empty() ? state : fmt::format("{}\nSTATUS={}", state, status_));
}

}  // namespace tcpeek
