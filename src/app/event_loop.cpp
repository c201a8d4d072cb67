#include "app/event_loop.h"

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <list>

namespace tcpeek {

namespace asio = boost::asio;

class EventLoop::Implementation {
  public:
    Implementation() : work_(asio::make_work_guard(context_)), signals_(context_) {}

    ~Implementation() {
        for (Watched& watched : watched_) {
            watched.descriptor.release();
        }
    }

    void catch_signals() {
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) {
            signals_.add(number);
        }
        std::signal(SIGPIPE, SIG_IGN);
    }

    void on_signals(SignalHandlers handlers) {
        handlers_ = std::move(handlers);
        wait_for_signal();
    }

    void watch(int fd, std::function<void()> readable) {
        watched_.push_back({asio::posix::stream_descriptor(context_, fd), std::move(readable)});
        wait_for(watched_.back());
    }

    void every(std::chrono::microseconds interval, std::function<void()> work) {
        repeated_.push_back({asio::steady_timer(context_), interval, std::move(work)});
        repeat(repeated_.back());
    }

    void post(std::function<void()> work) { asio::post(context_, std::move(work)); }
    asio::io_context& context() { return context_; }
    void run() { context_.run(); }
    void finish() { context_.stop(); }

  private:
    struct Watched {
        asio::posix::stream_descriptor descriptor;
        std::function<void()> readable;
    };

    struct Repeated {
        asio::steady_timer timer;
        std::chrono::microseconds interval;
        std::function<void()> work;
    };

    void repeat(Repeated& repeated) {
        repeated.work();
        repeated.timer.expires_after(repeated.interval);
        repeated.timer.async_wait([this, &repeated](const boost::system::error_code& error) {
            if (!error) {
                repeat(repeated);
            }
        });
    }

    void wait_for_signal() {
        signals_.async_wait([this](const boost::system::error_code& error, int number) {
            if (error) {
                return;
            }
            handle(number);
            wait_for_signal();
        });
    }

    void handle(int number) {
        if (number == SIGUSR1) {
            handlers_.show_summary();
        } else if (number == SIGHUP) {
            handlers_.hang_up();
        } else if (number == SIGINT && interrupted_) {
            handlers_.stop_at_once();
        } else {
            interrupted_ = interrupted_ || number == SIGINT;
            handlers_.stop();
        }
    }

    void wait_for(Watched& watched) {
        watched.descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                      [this, &watched](const boost::system::error_code& error) {
                                          if (error) {
                                              return;
                                          }
                                          watched.readable();
                                          wait_for(watched);
                                      });
    }

    asio::io_context context_{1};
    asio::executor_work_guard<asio::io_context::executor_type> work_;
    asio::signal_set signals_;
    SignalHandlers handlers_;
    bool interrupted_ = false;
    std::list<Watched> watched_;
    std::list<Repeated> repeated_;
};

EventLoop::EventLoop() : implementation_(std::make_unique<Implementation>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::catch_signals() {
    implementation_->catch_signals();
}

void EventLoop::on_signals(SignalHandlers handlers) {
    implementation_->on_signals(std::move(handlers));
}

void EventLoop::watch(int fd, std::function<void()> readable) {
    implementation_->watch(fd, std::move(readable));
}

void EventLoop::every(std::chrono::microseconds interval, std::function<void()> work) {
    implementation_->every(interval, std::move(work));
}

void EventLoop::post(std::function<void()> work) {
    implementation_->post(std::move(work));
}

asio::io_context& EventLoop::context() {
    return implementation_->context();
}

void EventLoop::run() {
    implementation_->run();
}

void EventLoop::finish() {
    implementation_->finish();
}

}  // namespace tcpeek
