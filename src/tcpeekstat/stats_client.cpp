#include "tcpeekstat/stats_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <utility>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <nlohmann/json.hpp>

#include "cli/printable.h"

namespace tcpeek {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

// Some hundred times the largest STATS of thousands of filters.
constexpr std::size_t kLongestAnswer = std::size_t{256} << 20U;

const char* next_step(const error_code& error) {
    if (error == boost::system::errc::no_such_file_or_directory) {
        return "is tcpeek running? -U names the socket of another one";
    }
    if (error == boost::system::errc::connection_refused) {
        return "nobody listens there any more; start tcpeek again";
    }
    if (error == boost::system::errc::permission_denied) {
        return "be root, the user that tcpeek became by its -u, or of the socket's group (the "
               "service's is tcpeek)";
    }
    return "look at its syslog messages";
}

// SO_SNDTIMEO as an option of Asio's sockets.
class SendTimeout {
  public:
    explicit SendTimeout(std::chrono::milliseconds limit)
        : value_{static_cast<time_t>(limit.count() / 1'000),
                 static_cast<suseconds_t>(limit.count() % 1'000 * 1'000)} {}

    template <typename Protocol>
    [[nodiscard]] int level(const Protocol&) const {
        return SOL_SOCKET;
    }
    template <typename Protocol>
    [[nodiscard]] int name(const Protocol&) const {
        return SO_SNDTIMEO;
    }
    template <typename Protocol>
    [[nodiscard]] const void* data(const Protocol&) const {
        return &value_;
    }
    template <typename Protocol>
    [[nodiscard]] std::size_t size(const Protocol&) const {
        return sizeof(value_);
    }

  private:
    timeval value_;
};

class Question {
  public:
    Question(std::string command) : command_(std::move(command)) {}

    error_code ask(const std::string& path, std::chrono::milliseconds limit) {
        if (const error_code error = connect(path, limit)) {
            return error;
        }
        asio::async_write(socket_, asio::buffer(command_),
                          [this](const error_code& error, std::size_t) { written(error); });
        context_.run_for(limit);
        return result_;
    }

    [[nodiscard]] std::string& answer() { return answer_; }

  private:
    // Waits in the kernel: a UNIX socket whose queue is full makes a connect that does not wait
    // fail at once.
    error_code connect(const std::string& path, std::chrono::milliseconds limit) {
        error_code error;
        socket_.open(asio::local::stream_protocol(), error);
        if (!error) {
            socket_.set_option(SendTimeout(limit), error);
        }
        if (!error) {
            socket_.connect(asio::local::stream_protocol::endpoint(path), error);
        }
        const bool waited = error == asio::error::would_block || error == asio::error::try_again;
        return waited ? error_code(asio::error::timed_out) : error;
    }

    void written(const error_code& error) {
        if (error) {
            result_ = error;
            return;
        }
        asio::async_read(socket_, asio::dynamic_buffer(answer_, kLongestAnswer),
                         [this](const error_code& read_error, std::size_t) {
                             // Without an error the room was full before the end.
                             result_ =
                                 read_error ? read_error : error_code(asio::error::message_size);
                             if (result_ == asio::error::eof) {
                                 result_ = {};
                             }
                         });
    }

    std::string command_;
    std::string answer_;
    // Until something else is known.
    error_code result_ = asio::error::timed_out;
    asio::io_context context_{1};
    asio::local::stream_protocol::socket socket_{context_};
};

std::string reason(const error_code& error, std::chrono::milliseconds limit) {
    if (error == asio::error::timed_out) {
        return fmt::format("no whole answer within {} s; is it stopped?",
                           std::chrono::ceil<std::chrono::seconds>(limit).count());
    }
    return fmt::format("{}; {}", error.message(), next_step(error));
}

// What is wrong with an answer that came whole. Nothing: it is JSON and no error.
std::string complaint_about(const std::string& answer) {
    if (answer.empty()) {
        return "the connection was closed without an answer: too many clients at once, or tcpeek "
               "is just ending; try again";
    }
    const auto json = nlohmann::json::parse(answer, nullptr, false);
    if (json.is_discarded()) {
        return "the answer is no JSON; is this the socket of tcpeek?";
    }
    if (json.is_object() && json.contains("error")) {
        return fmt::format("tcpeek says {}", printable(json["error"].dump()));
    }
    return {};
}

}  // namespace

Result<std::string> ask_tcpeek(const std::string& path, std::string_view command,
                               std::chrono::milliseconds limit) {
    const std::string failed =
        fmt::format("cannot get {} from tcpeek at {}", command, printable(path));
    if (path.size() >= sizeof(sockaddr_un::sun_path)) {
        return Error{fmt::format("{}: a socket's path has at most {} bytes", failed,
                                 sizeof(sockaddr_un::sun_path) - 1)};
    }
    Question question(fmt::format("{}\n", command));
    if (const error_code error = question.ask(path, limit)) {
        return Error{fmt::format("{}: {}", failed, reason(error, limit))};
    }
    std::string answer = std::move(question.answer());
    while (!answer.empty() && (answer.back() == '\n' || answer.back() == '\r')) {
        answer.pop_back();
    }
    if (const std::string complaint = complaint_about(answer); !complaint.empty()) {
        return Error{fmt::format("{}: {}", failed, complaint)};
    }
    return answer;
}

}  // namespace tcpeek
