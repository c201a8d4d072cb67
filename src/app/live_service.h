// What a live run has to do with its surroundings beyond packets: it tells the service manager how
// things are, and reads its configuration again.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "app/event_loop.h"
#include "app/log.h"
#include "app/mailbox.h"
#include "app/pipeline.h"
#include "app/reload.h"
#include "app/service_manager.h"
#include "app/terminal.h"
#include "filter/local_addresses.h"

namespace tcpeek {

// Belongs to the main thread; everything that it refers to must outlive it.
class LiveService {
  public:
    struct Surroundings {
        Config& config;  // a reload changes it
        bool managed;    // ServiceManager::present() at the start
        ParseAgain parse_again;
        Log& log;
        EventLoop& loop;
        Mailbox& mailbox;
        Pipeline& pipeline;
        std::function<LocalAddresses()> local_addresses;  // as of now
        std::function<void()> wake;  // makes the capture thread look at its mail
    };

    explicit LiveService(Surroundings surroundings)
        : all_(std::move(surroundings)), reload_(all_.config, all_.parse_again, all_.log) {}

    // Before the capture thread starts: the manager hears that tcpeek is ready when that thread
    // takes its first mail, and that it is alive as long as it goes on taking mail.
    void follow_capture_thread();
    // SIGHUP. False: it means the end here.
    [[nodiscard]] bool hang_up();
    // From any thread.
    void set_status(const std::string& status) {
        all_.loop.post([this, status] { manager_.set_status(status); });
    }
    void stopping() { manager_.stopping(); }

  private:
    void ask_whether_alive();
    void read_configuration_again();
    void replace_filters(FilterSet next);
    void end_reload();

    Surroundings all_;
    Reload reload_;
    ServiceManager manager_;
    Terminal terminal_;
    std::optional<FilterSet> next_filters_;  // on their way to the capture thread
    bool reload_again_ = false;
    bool alive_asked_ = false;
};

}  // namespace tcpeek
