// What the service manager (systemd) is told, where there is one: sd_notify(3).
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace tcpeek {

// Without a NOTIFY_SOCKET nothing is sent. Belongs to the main thread.
class ServiceManager {
  public:
    // Whether this program runs as a service, so that SIGHUP asks for a reload. INVOCATION_ID alone
    // does not prove it: shells in a desktop's terminals inherit one. To be asked while files can
    // be opened.
    [[nodiscard]] static bool present();

    void ready();
    void reloading();
    void stopping();
    // One line for `systemctl status`; sent when it is another one than before, once ready.
    void set_status(std::string status);
    // Resets the watchdog.
    void alive();

    // How often `alive` must be called: twice within the time that the manager allows. Nothing: it
    // does not watch.
    [[nodiscard]] static std::optional<std::chrono::microseconds> alive_interval();

  private:
    void notify_with_status(const std::string& state) const;

    std::string status_;
    bool ready_ = false;
};

}  // namespace tcpeek
