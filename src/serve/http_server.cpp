#include "serve/http_server.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <chrono>
#include <list>
#include <optional>
#include <sstream>

#include "base/unique_fd.h"
#include "output/prometheus.h"
#include "serve/shared_text.h"

namespace tcpeek {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

// At once; above it the one that came first goes.
constexpr std::size_t kMaxConnections = 64;
constexpr std::uint32_t kMaxHeader = 8'192;  // octets
// From the answer before, or the connection's start, to the request's end: more than the usual
// interval of scrapes, so that a scraper may keep its connection.
constexpr auto kPatienceForRequest = 65s;
constexpr auto kPatienceForFirstRequest = 5s;
constexpr auto kPatienceForAnswer = 5s;
constexpr auto kPauseWithoutDescriptors = 100ms;
constexpr const char* kOnlyGetAndHead = "only GET and HEAD are possible\n";

// Without the query; of a whole URL, which proxies may send (RFC 9112, section 3.2.2), too.
std::string_view path_of(std::string_view target) {
    constexpr std::string_view kScheme = "http://";
    if (target.substr(0, kScheme.size()) == kScheme) {
        target.remove_prefix(kScheme.size());
        target.remove_prefix(std::min(target.find('/'), target.size()));
    }
    return target.substr(0, target.find('?'));
}

// `statm` is /proc/self/statm, opened while files can be opened.
ProcessCost process_cost(int statm) {
    ProcessCost cost;
    rusage usage{};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    cost.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    std::array<char, 128> text{};
    if (::pread(statm, text.data(), text.size() - 1, 0) > 0) {
        std::istringstream fields(text.data());
        std::uint64_t size = 0;
        std::uint64_t resident = 0;
        fields >> size >> resident;
        cost.resident_octets = resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    return cost;
}

}  // namespace

class HttpServer::Implementation : public std::enable_shared_from_this<Implementation> {
  public:
    Implementation(asio::io_context& context, Setup setup)
        : acceptor_(context), pause_(context), setup_(std::move(setup)) {}

    void open(const tcp::endpoint& endpoint) {
        acceptor_.open(endpoint.protocol());
        acceptor_.set_option(tcp::acceptor::reuse_address(true));
        acceptor_.bind(endpoint);
        acceptor_.listen();
    }
    void accept();
    void close() { acceptor_.close(); }

  private:
    class Connection;

    // A path is a row here and a function that renders it.
    struct Page {
        std::string_view path;
        const char* content_type;
        bool needs_snapshot;
        std::string (Implementation::*render)(const Snapshot&) const;
    };
    static constexpr std::size_t kPages = 3;
    static const std::array<Page, kPages>& pages();
    [[nodiscard]] std::string render_metrics_page(const Snapshot& snapshot) const {
        return render_prometheus(snapshot, snapshot.filter_names, process_cost(statm_.get()),
                                 setup_.version);
    }
    [[nodiscard]] std::string render_stats_page(const Snapshot& snapshot) const {
        return render_stats(snapshot, snapshot.filter_names, setup_.counters, setup_.version);
    }
    [[nodiscard]] std::string render_health(const Snapshot&) const { return "ok\n"; }
    SharedText::Text text_of(const Page& page, const Snapshot& snapshot) {
        const auto place = static_cast<std::size_t>(&page - pages().data());
        return texts_[place].of(snapshot,
                                [&](const Snapshot& of) { return (this->*page.render)(of); });
    }
    void admit(tcp::socket socket);

    tcp::acceptor acceptor_;
    asio::steady_timer pause_;
    Setup setup_;
    UniqueFd statm_{::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)};
    std::array<SharedText, kPages> texts_;              // by place in `pages`
    std::list<std::weak_ptr<Connection>> connections_;  // the one that came first stands first
};

class HttpServer::Implementation::Connection : public std::enable_shared_from_this<Connection> {
  public:
    Connection(tcp::socket socket, std::shared_ptr<Implementation> server)
        : server_(std::move(server)), stream_(std::move(socket)), buffer_(2 * kMaxHeader) {}

    void read(std::chrono::seconds patience) {
        parser_.emplace();
        parser_->header_limit(kMaxHeader);
        parser_->body_limit(0);
        stream_.expires_after(patience);
        http::async_read(stream_, buffer_, *parser_,
                         [self = shared_from_this()](const error_code& error, std::size_t) {
                             self->take_request(error);
                         });
    }

    void drop() {
        ++counters().http_dropped;
        close();
    }

  private:
    using Body = http::span_body<const char>;

    ClientCounters& counters() { return server_->setup_.counters; }

    void take_request(const error_code& error) {
        if (error) {
            refuse_or_close(error);
            return;
        }
        ++counters().http_requests;
        const auto& request = parser_->get();
        keep_alive_ = request.keep_alive();
        const auto method = request.method();
        head_ = method == http::verb::head;
        if (request.version() == 11 && request.count(http::field::host) != 1) {
            // RFC 9112, section 3.2.
            keep_alive_ = false;
            answer_error(http::status::bad_request, "a request names one Host\n");
            return;
        }
        const std::string_view path = path_of({request.target().data(), request.target().size()});
        for (const Page& page : pages()) {
            if (page.path != path) {
                continue;
            }
            if (method != http::verb::get && !head_) {
                answer_error(http::status::method_not_allowed, kOnlyGetAndHead);
            } else {
                answer(page);
            }
            return;
        }
        answer_error(http::status::not_found, "try /metrics, /stats or /healthz\n");
    }

    // What is no HTTP, or too much of it, gets an answer; who has gone or is too slow gets none.
    void refuse_or_close(const error_code& error) {
        if (error == http::error::end_of_stream || error == asio::error::operation_aborted) {
            close();
            return;
        }
        if (error.category() != http::make_error_code(http::error::bad_method).category() ||
            error == http::error::partial_message) {
            drop();
            return;
        }
        ++counters().http_requests;
        keep_alive_ = false;
        head_ = false;
        if (error == http::error::header_limit || error == http::error::buffer_overflow) {
            answer_error(http::status::request_header_fields_too_large,
                         "the request's header is too large\n");
        } else if (error == http::error::body_limit && parser_->get().method() != http::verb::get &&
                   parser_->get().method() != http::verb::head) {
            answer_error(http::status::method_not_allowed, kOnlyGetAndHead);
        } else if (error == http::error::body_limit) {
            answer_error(http::status::payload_too_large, "a request has no body here\n");
        } else {
            answer_error(http::status::bad_request, "this is no HTTP request\n");
        }
    }

    void answer(const Page& page) {
        if (!page.needs_snapshot) {
            send(http::status::ok, page.content_type, server_->text_of(page, Snapshot()));
            return;
        }
        stream_.expires_after(kPatienceForAnswer);
        server_->setup_.source.request([self = shared_from_this(),
                                        &page](const Snapshot& snapshot) {
            self->send(http::status::ok, page.content_type, self->server_->text_of(page, snapshot));
        });
    }

    void answer_error(http::status status, const char* text) {
        ++counters().http_errors;
        send(status, "text/plain; charset=utf-8", std::make_shared<const std::string>(text));
    }

    void send(http::status status, const char* content_type, SharedText::Text body) {
        response_ = {};
        response_.result(status);
        response_.version(parser_->get().version() == 10 ? 10 : 11);
        response_.set(http::field::content_type, content_type);
        response_.set(http::field::cache_control, "no-store");
        if (status == http::status::method_not_allowed) {
            response_.set(http::field::allow, "GET, HEAD");
        }
        response_.keep_alive(keep_alive_);
        response_.content_length(body->size());
        if (!head_) {
            response_.body() = {body->data(), body->size()};
        }
        body_ = std::move(body);
        serializer_.emplace(response_);
        stream_.expires_after(kPatienceForAnswer);
        const auto done = [self = shared_from_this()](const error_code& error, std::size_t) {
            if (error) {
                self->drop();
            } else if (self->keep_alive_) {
                self->read(kPatienceForRequest);
            } else {
                self->close();
            }
        };
        if (head_) {
            http::async_write_header(stream_, *serializer_, done);
        } else {
            http::async_write(stream_, *serializer_, done);
        }
    }

    void close() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.close();
    }

    std::shared_ptr<Implementation> server_;
    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    SharedText::Text body_;  // what the response shows
    http::response<Body> response_;
    std::optional<http::response_serializer<Body>> serializer_;
    bool keep_alive_ = false;
    bool head_ = false;
};

auto HttpServer::Implementation::pages() -> const std::array<Page, kPages>& {
    using I = Implementation;
    static constexpr std::array<Page, kPages> kTable{
        {{"/metrics", "text/plain; version=0.0.4; charset=utf-8", true, &I::render_metrics_page},
         {"/stats", "application/json", true, &I::render_stats_page},
         {"/healthz", "text/plain; charset=utf-8", false, &I::render_health}}};
    return kTable;
}

void HttpServer::Implementation::accept() {
    acceptor_.async_accept(
        [self = shared_from_this()](const error_code& error, tcp::socket socket) {
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

void HttpServer::Implementation::admit(tcp::socket socket) {
    connections_.remove_if([](const auto& connection) { return connection.expired(); });
    if (connections_.size() >= kMaxConnections) {
        if (const std::shared_ptr<Connection> first = connections_.front().lock()) {
            first->drop();
        }
        connections_.pop_front();
    }
    const auto connection = std::make_shared<Connection>(std::move(socket), shared_from_this());
    connections_.push_back(connection);
    connection->read(kPatienceForFirstRequest);
}

Result<HttpServer> HttpServer::listen(asio::io_context& context, const Endpoint& endpoint,
                                      Setup setup) {
    const auto implementation = std::make_shared<Implementation>(context, std::move(setup));
    try {
        implementation->open({asio::ip::make_address(endpoint.address.to_string()), endpoint.port});
    } catch (const boost::system::system_error& error) {
        return Error{
            fmt::format("cannot serve HTTP on {}: {}; choose another with --http=[ADDR:]PORT",
                        to_string(endpoint), error.code().message())};
    }
    implementation->accept();
    return HttpServer(implementation);
}

HttpServer::~HttpServer() {
    if (implementation_ != nullptr) {
        implementation_->close();
    }
}

}  // namespace tcpeek
