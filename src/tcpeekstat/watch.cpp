#include "tcpeekstat/watch.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/standard_streams.h"
#include "tcpeekstat/screen.h"
#include "tcpeekstat/stats_client.h"
#include "tcpeekstat/totals_view.h"

namespace tcpeek {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

// Keys wait meanwhile.
constexpr std::chrono::milliseconds kPatience{2'000};

struct Look {
    Totals totals;
    Clock::time_point time;
};

std::string joined(const std::vector<std::string>& lines) {
    std::string text;
    for (const std::string& line : lines) {
        text += line + '\n';
    }
    return text;
}

class Watch {
  public:
    Watch(const StatConfig& config, std::unique_ptr<Screen> screen)
        : config_(config), screen_(std::move(screen)) {
        if (screen_) {
            // Instead of the handler of ncurses, which knows nothing of this loop.
            signals_.add(SIGWINCH);
        }
    }

    int run() {
        wait_for_signal();
        if (screen_ && isatty(STDIN_FILENO) == 1) {
            keys_.assign(dup(STDIN_FILENO));
            wait_for_key();
        }
        look();
        context_.run();
        // What was seen last stays on the terminal.
        if (screen_) {
            screen_.reset();
            print(joined(lines_));
        }
        return status_;
    }

  private:
    void stop(int status) {
        status_ = status;
        context_.stop();
    }

    void print(const std::string& text) {
        const auto written = write_standard_output(text);
        if (!written) {
            tell_error(tcpeekstat_program(), written.error().message);
            stop(1);
        } else if (written.value() == Written::reader_gone) {
            stop(0);
        }
    }

    void wait_for_signal() {
        signals_.async_wait([this](const error_code& error, int signal) {
            if (error) {
                return;
            }
            if (signal != SIGWINCH) {
                stop(0);
                return;
            }
            if (screen_) {
                screen_->resize();
            }
            wait_for_signal();
        });
    }

    void wait_for_key() {
        keys_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [this](const error_code& error) {
                             // A terminal that is gone is readable for ever.
                             Key key = error ? Key::none : screen_->read_key();
                             if (key == Key::none) {
                                 return;
                             }
                             while (key == Key::other) {
                                 key = screen_->read_key();
                             }
                             if (key == Key::quit) {
                                 stop(0);
                                 return;
                             }
                             wait_for_key();
                         });
    }

    void look() {
        const Clock::time_point begin = Clock::now();
        auto answer = ask_tcpeek(config_.socket, "STATS", kPatience);
        Result<Totals> totals =
            answer ? parse_totals(answer.value()) : Result<Totals>(answer.error());
        if (totals) {
            take({std::move(totals.value()), begin});
        } else {
            lines_ = last_ ? view_of(last_->totals, std::nullopt) : std::vector<std::string>();
            lines_.insert(lines_.begin(), fmt::format("tcpeekstat: {}", totals.error().message));
        }
        show();
        timer_.expires_at(begin + std::chrono::seconds(config_.watch_seconds));
        timer_.async_wait([this](const error_code& error) {
            if (!error) {
                look();
            }
        });
    }

    void take(Look look) {
        // Figures of another run say nothing about rates.
        const bool same_run = last_ && last_->totals.start == look.totals.start;
        const double seconds =
            same_run ? std::chrono::duration<double>(look.time - last_->time).count() : 0;
        lines_ =
            view_of(look.totals,
                    seconds > 0 ? std::optional<Interval>({last_->totals, seconds}) : std::nullopt);
        last_ = std::move(look);
    }

    void show() {
        if (screen_) {
            screen_->show(lines_);
            return;
        }
        lines_.emplace_back();
        print(joined(lines_));
    }

    const StatConfig& config_;
    std::unique_ptr<Screen> screen_;
    asio::io_context context_{1};
    asio::signal_set signals_{context_, SIGINT, SIGTERM, SIGHUP};
    asio::posix::stream_descriptor keys_{context_};
    asio::steady_timer timer_{context_};
    std::optional<Look> last_;
    std::vector<std::string> lines_;
    int status_ = 0;
};

}  // namespace

int watch(const StatConfig& config) {
    // Nobody is there to be waited for: most probably the wrong socket.
    if (const auto answer = ask_tcpeek(config.socket, "STATS", kPatience); !answer) {
        tell_error(tcpeekstat_program(), answer.error().message);
        return 1;
    }
    std::unique_ptr<Screen> screen;
    if (isatty(STDOUT_FILENO) == 1) {
        auto opened = Screen::open();
        if (!opened) {
            tell_error(tcpeekstat_program(), opened.error().message);
            return 1;
        }
        screen = std::move(opened.value());
    }
    return Watch(config, std::move(screen)).run();
}

}  // namespace tcpeek
