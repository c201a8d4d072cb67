#include "serve/stats_server.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <functional>
#include <list>

#include "serve/refresh_baseline.h"
#include "serve/shared_text.h"

namespace tcpeek {
namespace {

namespace asio = boost::asio;
using asio::local::stream_protocol;
using boost::system::error_code;
using namespace std::chrono_literals;

// At once. Above it the client that came first goes: a crowd of silent ones must not lock out
// those that ask and leave.
constexpr std::size_t kMaxClients = 256;
constexpr std::size_t kMaxLine = 128;  // octets
constexpr std::size_t kMaxDiscarded = 65'536;
// For the line, and then for the answer.
constexpr auto kPatience = 3s;
constexpr auto kPauseWithoutDescriptors = 100ms;
// Between looks whether a client has read its answer.
constexpr std::chrono::microseconds kFirstLook = 100us;
constexpr std::chrono::microseconds kLongestLook = 50ms;
// "]" and the newline: without them the answer to REFRESH is no JSON.
constexpr std::size_t kKeptBack = 2;

}  // namespace

class StatsServer::Implementation : public std::enable_shared_from_this<Implementation> {
  public:
    Implementation(asio::io_context& context, Setup setup)
        : acceptor_(context, stream_protocol(), setup.listener.release()),
          pause_(context),
          source_(setup.source),
          counters_(setup.counters),
          version_(std::move(setup.version)) {}

    void accept();
    void close() { acceptor_.close(); }

  private:
    class Client;
    struct Command {
        std::string_view word;
        void (Client::*answer)();
    };
    static const std::array<Command, 3>& commands();

    void admit(stream_protocol::socket socket);

    stream_protocol::acceptor acceptor_;
    asio::steady_timer pause_;
    SnapshotSource& source_;
    ClientCounters& counters_;
    std::string version_;
    RefreshBaseline baseline_;
    SharedText get_;
    SharedText stats_;
    std::list<std::weak_ptr<Client>> clients_;  // the one that came first stands first
};

// One connection: a line, an answer, the end. Handlers keep it alive.
class StatsServer::Implementation::Client : public std::enable_shared_from_this<Client> {
  public:
    Client(stream_protocol::socket socket, std::shared_ptr<Implementation> server)
        : server_(std::move(server)),
          socket_(std::move(socket)),
          deadline_(socket_.get_executor()),
          look_(socket_.get_executor()) {}

    void start() {
        limit_time(server_->counters_.dropped_silent);
        asio::async_read_until(socket_, asio::dynamic_buffer(line_, kMaxLine), '\n',
                               [self = shared_from_this()](const error_code& error, std::size_t n) {
                                   self->take_line(error, n);
                               });
    }

    // Ends it from outside. `reason` is counted.
    void drop(std::uint64_t& reason) {
        if (!ended_) {
            ++reason;
            end();
        }
    }

    void answer_get() {
        answer_with(server_->counters_.answered_get, server_->get_, [](const Snapshot& snapshot) {
            return render_get(snapshot, snapshot.filter_names);
        });
    }
    void answer_stats() {
        answer_with(server_->counters_.answered_stats, server_->stats_,
                    [this](const Snapshot& snapshot) {
                        return render_stats(snapshot, snapshot.filter_names, server_->counters_,
                                            server_->version_);
                    });
    }
    void answer_refresh() {
        server_->source_.request([self = shared_from_this()](const Snapshot& snapshot) {
            if (!self->ended_) {
                self->tell_difference(snapshot);
            }
        });
    }

  private:
    void limit_time(std::uint64_t& reason) {
        deadline_.expires_after(kPatience);
        deadline_.async_wait([self = shared_from_this(), &reason](const error_code& error) {
            if (!error) {
                self->drop(reason);
            }
        });
    }

    void take_line(const error_code& error, std::size_t length) {
        if (ended_) {
            return;
        }
        if (error && line_.empty()) {
            drop(server_->counters_.hung_up);
            return;
        }
        limit_time(server_->counters_.dropped_unread);
        if (error == asio::error::not_found) {
            refuse("the line is longer than 128 octets; GET, REFRESH and STATS are known");
            return;
        }
        if (error) {
            refuse("the line has no end; send GET, REFRESH or STATS and a newline");
            return;
        }
        std::string_view word = std::string_view(line_).substr(0, length - 1);
        if (!word.empty() && word.back() == '\r') {
            word.remove_suffix(1);
        }
        for (const Command& command : commands()) {
            if (command.word == word) {
                (this->*command.answer)();
                return;
            }
        }
        refuse("unknown command; GET, REFRESH and STATS are known");
    }

    void refuse(std::string_view message) {
        ++server_->counters_.wrong_commands;
        answer_ = std::make_shared<const std::string>(render_stats_error(message));
        write_answer();
    }

    template <typename Render>
    void answer_with(std::uint64_t& counter, SharedText& text, Render render) {
        server_->source_.request(
            [self = shared_from_this(), &counter, &text, render](const Snapshot& snapshot) {
                if (!self->ended_) {
                    ++counter;
                    self->answer_ = text.of(snapshot, render);
                    self->write_answer();
                }
            });
    }

    // What is in the peer's queue when a UNIX socket is closed stays readable.
    void write_answer() {
        asio::async_write(socket_, asio::buffer(*answer_),
                          [self = shared_from_this()](const error_code& error, std::size_t) {
                              if (self->ended_) {
                                  return;
                              }
                              if (error) {
                                  ++self->server_->counters_.hung_up;
                              }
                              self->discard_input();
                              self->end();
                          });
    }

    // What was sent beyond the line would turn the end of the answer into an error for its sender.
    void discard_input() {
        std::array<char, 4'096> rubbish;
        for (std::size_t taken = 0; taken < kMaxDiscarded; taken += rubbish.size()) {
            if (::recv(socket_.native_handle(), rubbish.data(), rubbish.size(), MSG_DONTWAIT) <=
                0) {
                return;
            }
        }
    }

    // A difference may reach exactly one caller, so the end is kept back until the rest was read:
    // who hangs up before, or does not read, has no whole answer, and the next caller gets it.
    void tell_difference(const Snapshot& snapshot) {
        told_ = server_->baseline_.take(snapshot);
        answer_ = std::make_shared<const std::string>(render_refresh(told_.figures, told_.names));
        write_part(0, answer_->size() - kKeptBack, [this] { write_end(); });
    }

    void write_end() {
        write_part(answer_->size() - kKeptBack, kKeptBack, [this] { end(); });
    }

    // `done` is called when the client has read the part.
    void write_part(std::size_t from, std::size_t size, std::function<void()> done) {
        const bool last = from + size == answer_->size();
        asio::async_write(socket_, asio::buffer(answer_->data() + from, size),
                          [self = shared_from_this(), last, done = std::move(done)](
                              const error_code& error, std::size_t) {
                              if (self->ended_) {
                                  return;
                              }
                              if (error) {
                                  self->drop(self->server_->counters_.hung_up);
                                  return;
                              }
                              if (last) {
                                  // The client need not wait until we have seen it read.
                                  error_code ignored;
                                  self->socket_.shutdown(stream_protocol::socket::shutdown_send,
                                                         ignored);
                                  self->handed_over_ = true;
                              }
                              self->wait_until_read(kFirstLook, done);
                          });
    }

    void wait_until_read(std::chrono::microseconds pause, const std::function<void()>& done) {
        int unread = 0;
        if (::ioctl(socket_.native_handle(), SIOCOUTQ, &unread) != 0 || unread == 0) {
            // A client that closes with unread octets in its queue leaves ECONNRESET behind, and
            // does so before the queue is emptied (net/unix/af_unix.c, unix_release_sock).
            int state = 0;
            socklen_t size = sizeof state;
            ::getsockopt(socket_.native_handle(), SOL_SOCKET, SO_ERROR, &state, &size);
            if (state != 0) {
                handed_over_ = false;
                drop(server_->counters_.hung_up);
            } else {
                done();
            }
            return;
        }
        look_.expires_after(pause);
        look_.async_wait([self = shared_from_this(), pause, done](const error_code& error) {
            if (!error && !self->ended_) {
                self->wait_until_read(std::min(2 * pause, kLongestLook), done);
            }
        });
    }

    void end() {
        ended_ = true;
        settle_refresh();
        deadline_.cancel();
        look_.cancel();
        error_code ignored;
        socket_.close(ignored);
    }

    // An end that lies unread in the client's queue, with the rest read, counts as told: the client
    // is alive, else there were an error, and has the whole answer when it goes on reading.
    void settle_refresh() {
        if (told_.figures.empty()) {
            return;
        }
        if (handed_over_) {
            ++server_->counters_.answered_refresh;
        } else {
            server_->baseline_.give_back(told_);
            ++server_->counters_.refreshes_undone;
        }
        told_ = {};
    }

    std::shared_ptr<Implementation> server_;
    stream_protocol::socket socket_;
    asio::steady_timer deadline_;
    asio::steady_timer look_;
    std::string line_;
    SharedText::Text answer_;
    RefreshDifference told_;    // not known yet to have reached the client
    bool handed_over_ = false;  // the end of the answer, too
    bool ended_ = false;
};

const std::array<StatsServer::Implementation::Command, 3>& StatsServer::Implementation::commands() {
    static constexpr std::array<Command, 3> kCommands{{{"GET", &Client::answer_get},
                                                       {"REFRESH", &Client::answer_refresh},
                                                       {"STATS", &Client::answer_stats}}};
    return kCommands;
}

void StatsServer::Implementation::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const error_code& error, stream_protocol::socket socket) {
            if (!self->acceptor_.is_open()) {
                return;
            }
            if (!error) {
                self->admit(std::move(socket));
                self->accept();
                return;
            }
            self->pause_.expires_after(kPauseWithoutDescriptors);
            self->pause_.async_wait([self](const error_code& cancelled) {
                if (!cancelled) {
                    self->accept();
                }
            });
        });
}

void StatsServer::Implementation::admit(stream_protocol::socket socket) {
    clients_.remove_if([](const std::weak_ptr<Client>& client) { return client.expired(); });
    if (clients_.size() >= kMaxClients) {
        if (const std::shared_ptr<Client> first = clients_.front().lock()) {
            first->drop(counters_.dropped_crowded);
        }
        clients_.pop_front();
    }
    const auto client = std::make_shared<Client>(std::move(socket), shared_from_this());
    clients_.push_back(client);
    client->start();
}

StatsServer::StatsServer(asio::io_context& context, Setup setup)
    : implementation_(std::make_shared<Implementation>(context, std::move(setup))) {
    implementation_->accept();
}

StatsServer::~StatsServer() {
    implementation_->close();
}

}  // namespace tcpeek
