// The main thread's loop: signals, descriptors that others watch, and the word that all is done.
#pragma once

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace tcpeek {

class EventLoop {
  public:
    struct SignalHandlers {
        std::function<void()> stop;          // SIGINT, SIGTERM
        std::function<void()> stop_at_once;  // a second SIGINT
        std::function<void()> hang_up;       // SIGHUP
        std::function<void()> show_summary;  // SIGUSR1
    };

    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    // From here on the signals of SignalHandlers end nothing by themselves. They wait for handlers.
    void catch_signals();
    // Once, after `catch_signals`.
    void on_signals(SignalHandlers handlers);
    // Calls `readable` whenever `fd` (borrowed) can be read.
    void watch(int fd, std::function<void()> readable);
    // Calls `work` at once and then at every `interval`.
    void every(std::chrono::microseconds interval, std::function<void()> work);
    // Runs `work` on the loop's thread; callable from any thread.
    void post(std::function<void()> work);

    // For servers on the loop's thread; lives as long as the loop.
    [[nodiscard]] boost::asio::io_context& context();

    // Returns after `finish`.
    void run();
    // Callable from any thread.
    void finish();

  private:
    class Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace tcpeek
