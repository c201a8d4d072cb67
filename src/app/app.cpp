#include "app/app.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <system_error>
#include <thread>
#include <utility>

#include "app/check_config.h"
#include "app/confinement.h"
#include "app/event_loop.h"
#include "app/file_runner.h"
#include "app/info.h"
#include "app/live_options.h"
#include "app/live_runner.h"
#include "app/live_service.h"
#include "app/servers.h"
#include "capture/local_routes.h"
#include "cli/version.h"
#include "output/table.h"

namespace tcpeek {
namespace {

using namespace std::chrono_literals;

constexpr int kExitDone = 0;
constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitInterruptedTwice = 130;

// How long a reader that takes nothing may hold up the end.
constexpr auto kPatienceAtEnd = 2s;
// Who asks for the counters meanwhile gets them.
constexpr auto kLookWhileEnding = 10ms;

int fail(int status, const std::string& message) {
    fmt::print(stderr, "tcpeek: {}\n", message);
    return status;
}

std::uint64_t random_seed() {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32U | device();
}

EngineInUse engine_in_use(const LiveCapture& capture) {
    if (capture.uses_hooks()) {
        return EngineInUse::hooks;
    }
    return capture.has_kernel_filter() ? filtered_socket_here() : EngineInUse::socket;
}

PipelineConfig pipeline_config(const Config& config) {
    PipelineConfig pipeline;
    pipeline.tracker.timeout = Duration::seconds(config.timeout_seconds);
    pipeline.tracker.max_sessions = config.max_sessions;
    pipeline.tracker.seed = random_seed();
    pipeline.dissect.checksums = static_cast<ChecksumMode>(config.checksum_mode);
    pipeline.dissect.icmp = config.icmp;
    pipeline.live = config.files.empty();
    pipeline.tracker.tells_settled = pipeline.live && config.filter_entries > 0;
    pipeline.details = config.details;
    pipeline.show_records = config.output == OutputForm::json || !config.quiet;
    return pipeline;
}

PrinterConfig printer_config(const Config& config, const FilterSet& filters) {
    const char* no_color = std::getenv("NO_COLOR");
    const bool terminal = ::isatty(STDERR_FILENO) == 1;
    PrinterConfig printer;
    printer.json = config.output == OutputForm::json;
    printer.colour = terminal && (no_color == nullptr || *no_color == '\0');
    printer.progress = terminal && !config.files.empty();
    printer.live = config.files.empty();
    printer.filter_names = filters.names();
    return printer;
}

std::string joined(const std::vector<std::string>& names) {
    return fmt::format("{}", fmt::join(names, ", "));
}

// What a run of either kind has, in the order in which it must go away.
class App {
  public:
    App(Config config, ParseAgain parse_again, FilterSet filters)
        : config_(std::move(config)),
          log_(static_cast<LogLevel>(config_.log_level)),
          filters_(std::move(filters)),
          pipeline_(pipeline_config(config_), filters_, names_, queue_, log_),
          servers_(config_, loop_, mailbox_, log_),
          parse_again_(std::move(parse_again)) {}

    int run_live();
    int run_files();

  private:
    // Of the live table, where there is one.
    [[nodiscard]] std::string heading() const {
        return !config_.quiet && config_.output == OutputForm::table ? render_table_heading() : "";
    }
    void warn_without_local_addresses();
    void show_listening(const LiveCapture& capture);
    void follow_local_addresses(LocalRoutes& routes, LiveCapture& capture);
    [[nodiscard]] LocalAddresses local_addresses(const std::vector<IpNetwork>& networks) const;
    // Once everything is open.
    Result<void> give_up_rights(EngineInUse engine);
    template <typename Runner, typename Wake>
    int run(Runner& runner, Wake wake);
    [[noreturn]] void exit_at_once();
    void log_start(const LiveCapture& capture) const;
    int exit_status(const Result<void>& run_result, const std::optional<Error>& output_error,
                    std::uint64_t undisplayed) const;

    Config config_;
    Log log_;
    FilterSet filters_;
    InterfaceNames names_;
    DisplayQueue queue_;
    Mailbox mailbox_;
    Progress progress_;
    Pipeline pipeline_;
    EventLoop loop_;
    Servers servers_;
    const bool managed_ = ServiceManager::present();
    ParseAgain parse_again_;
    std::optional<LiveService> service_;  // while interfaces are watched
};

LocalAddresses App::local_addresses(const std::vector<IpNetwork>& networks) const {
    std::vector<IpNetwork> all = networks;
    all.insert(all.end(), config_.local.begin(), config_.local.end());
    return LocalAddresses(std::move(all));
}

void App::warn_without_local_addresses() {
    const bool asks = std::any_of(
        config_.expressions.begin(), config_.expressions.end(), [](const auto& expression) {
            return std::any_of(
                expression.parts.begin(), expression.parts.end(),
                [](const auto& part) { return part.direction != FilterDirection::any; });
        });
    if (asks) {
        fmt::print(stderr,
                   "tcpeek: warning: no address is known to be local, so RX and TX filters match "
                   "nothing; name yours with --local=ADDR/LEN or use ANY\n");
    }
}

void App::show_listening(const LiveCapture& capture) {
    if (config_.quiet) {
        return;
    }
    if (const std::string notice = capture.notice(); !notice.empty()) {
        queue_.push_always(NoticeItem{fmt::format("tcpeek: {}\n", notice)});
    }
    for (const LiveInterface& interface : capture.interfaces()) {
        queue_.push_always(NoticeItem{render_listening(interface.name, interface.link_type_name,
                                                       interface.link_type_description,
                                                       interface.snapshot_length)});
    }
}

void App::follow_local_addresses(LocalRoutes& routes, LiveCapture& capture) {
    const Result<bool> changed = routes.refresh();
    if (!changed) {
        log_.write(LogLevel::warning, changed.error().message);
    } else if (changed.value()) {
        mailbox_.post([this, networks = routes.networks()] {
            pipeline_.set_local_addresses(local_addresses(networks));
        });
        capture.wake();
    }
}

Result<void> App::give_up_rights(EngineInUse engine) {
    if (!config_.user.empty()) {
        if (const Result<void> given = servers_.give_socket_to(config_.user); !given) {
            return given;
        }
    }
    return confine(config_, engine, log_);
}

void App::log_start(const LiveCapture& capture) const {
    std::vector<std::string> interfaces;
    for (const LiveInterface& interface : capture.interfaces()) {
        interfaces.push_back(interface.name);
    }
    const std::string watched = interfaces.empty() ? "no interface yet" : joined(interfaces);
    log_.write(LogLevel::notice,
               fmt::format("version {} started on {}, filters {}, by {}", kVersion, watched,
                           joined(filters_.names()), capture.engine_description()),
               {{"EVENT", "started"},
                {"VERSION", std::string(kVersion)},
                {"INTERFACES", joined(interfaces)},
                {"FILTERS", joined(filters_.names())}});
}

int App::run_live() {
    Result<LiveCapture> opened = LiveCapture::open(live_options(config_), names_);
    if (!opened) {
        return fail(kExitFailed, opened.error().message);
    }
    LiveCapture capture = std::move(opened).value();
    Result<LocalRoutes> routes = LocalRoutes::open();
    if (!routes) {
        return fail(kExitFailed, routes.error().message);
    }
    filters_.set_local_addresses(local_addresses(routes.value().networks()));
    if (const Result<void> opened_servers = servers_.open(); !opened_servers) {
        return fail(kExitFailed, opened_servers.error().message);
    }
    if (const Result<void> dropped = give_up_rights(engine_in_use(capture)); !dropped) {
        return fail(kExitFailed, dropped.error().message);
    }
    show_listening(capture);
    queue_.push_always(NoticeItem{heading()});
    loop_.watch(routes.value().descriptor(),
                [&] { follow_local_addresses(routes.value(), capture); });
    log_start(capture);
    service_.emplace(LiveService::Surroundings{
        config_, managed_, parse_again_, log_, loop_, mailbox_, pipeline_,
        [&] { return local_addresses(routes.value().networks()); }, [&] { capture.wake(); }});
    service_->follow_capture_thread();
    LiveRunner runner(capture, pipeline_, mailbox_, queue_, log_, !config_.quiet,
                      [this](const std::string& status) { service_->set_status(status); });
    const int status = run(runner, [&] { capture.wake(); });
    log_.write(LogLevel::notice, fmt::format("ended with status {}, {} attempts pending", status,
                                             runner.summary().capture.pending));
    return status;
}

int App::run_files() {
    if (config_.local.empty()) {
        warn_without_local_addresses();
    } else {
        filters_.set_local_addresses(local_addresses({}));
    }
    FileRunner runner(config_.files, pipeline_, names_, mailbox_, queue_, progress_, heading());
    if (const Result<void> opened = servers_.open(); !opened) {
        return fail(kExitFailed, opened.error().message);
    }
    runner.open_all();
    if (const Result<void> dropped = give_up_rights(EngineInUse::socket); !dropped) {
        return fail(kExitFailed, dropped.error().message);
    }
    return run(runner, [&] { runner.wake(); });
}

// The capture thread ends first, then the printer, then the loop: until everything is written a
// second SIGINT is heard.
template <typename Runner, typename Wake>
int App::run(Runner& runner, Wake wake) {
    std::optional<Error> output_error;
    const auto request_stop = [&] {
        mailbox_.request_stop();
        wake();
    };
    loop_.catch_signals();  // none ends the program any more once "listening on" is printed
    Printer printer(
        printer_config(config_, filters_), queue_, progress_,
        {.output_lost =
             [&](const std::optional<Error>& error) {
                 loop_.post([&, error] {
                     output_error = error;
                     request_stop();
                 });
             },
         .warn = [&](const std::string& what) { log_.write(LogLevel::warning, what); }});
    const auto stop = [&] {
        if (service_) {
            service_->stopping();
        }
        printer.give_up_after(kPatienceAtEnd);
        request_stop();
    };
    loop_.on_signals({.stop = stop,
                      .stop_at_once = [&] { exit_at_once(); },
                      .hang_up =
                          [&] {
                              if (!service_ || !service_->hang_up()) {
                                  stop();
                              }
                          },
                      .show_summary =
                          [&] {
                              mailbox_.post(
                                  [&] { queue_.push_always(SummaryItem{runner.summary()}); });
                              wake();
                          }});
    const auto begin_copy = [&](Snapshot& snapshot) {
        runner.begin_copy(snapshot);
        snapshot.undisplayed = queue_.undisplayed() + printer.undisplayed();
    };
    servers_.provide({.begin = begin_copy, .go_on = [&] { return pipeline_.continue_copy(); }},
                     wake);
    Result<void> run_result;
    std::thread capture_thread([&] {
        // For top(1) and whoever debugs.
        ::pthread_setname_np(::pthread_self(), "capture");
        run_result = runner.run();
        if (runner.has_summary()) {
            queue_.push_always(SummaryItem{runner.summary()});
        }
        queue_.close();
        while (!printer.ends_within(kLookWhileEnding)) {
            mailbox_.run_until_empty();
        }
        printer.join();
        loop_.post([&] { loop_.finish(); });
    });
    loop_.run();
    capture_thread.join();
    const int status =
        exit_status(run_result, output_error, queue_.undisplayed() + printer.undisplayed());
    if (printer.standard_error_lost()) {
        // Nobody would read it there.
        log_.write(LogLevel::error, printer.standard_error_lost()->message);
        return kExitFailed;
    }
    return status;
}

void App::exit_at_once() {
    servers_.remove_socket();
    std::_Exit(kExitInterruptedTwice);
}

int App::exit_status(const Result<void>& run_result, const std::optional<Error>& output_error,
                     std::uint64_t undisplayed) const {
    if (undisplayed > 0 && output_error.has_value()) {
        fmt::print(stderr, "tcpeek: {} records were not displayed\n", undisplayed);
    }
    if (output_error) {
        return fail(kExitFailed, output_error->message);
    }
    if (!run_result) {
        return run_result.error().message.empty() ? kExitFailed
                                                  : fail(kExitFailed, run_result.error().message);
    }
    return kExitDone;
}

}  // namespace

int run_app(const Config& config, ParseAgain parse_again) {
    if (config.info) {
        print_info(config);
        return std::fflush(stdout) == 0
                   ? kExitDone
                   : fail(kExitFailed, fmt::format("cannot write to standard output: {}",
                                                   std::generic_category().message(errno)));
    }
    Result<FilterSet> filters = FilterSet::compile(expressions_of(config));
    if (!filters) {
        return fail(kExitUsage, filters.error().message);
    }
    if (config.check_config) {
        fmt::print("{}", render_config(config, filters.value()));
        return kExitDone;
    }
    App app(config, std::move(parse_again), std::move(filters).value());
    return config.files.empty() ? app.run_live() : app.run_files();
}

}  // namespace tcpeek
