// What the fuzzers of both servers share: counters that never move, and a client whose input says
// in which pieces it sends.
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>
// Asio 1.74 uses std::exchange without including it.
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include "serve/snapshot_source.h"

namespace tcpeek {

class FixedSource final : public SnapshotSource {
  public:
    explicit FixedSource(boost::asio::io_context& context) : context_(context) {
        snapshot_.filters.resize(1);
        snapshot_.filter_names = {"A"};
    }

    void request(Receiver receive) override {
        boost::asio::post(context_, [this, receive = std::move(receive)] { receive(snapshot_); });
    }

  private:
    boost::asio::io_context& context_;
    Snapshot snapshot_;
};

inline void run_what_is_ready(boost::asio::io_context& context) {
    context.restart();
    while (context.poll() > 0) {
    }
}

// Takes what `client` can read now.
inline void take_answer(int client, std::string& answer) {
    std::array<char, 65'536> room;
    ssize_t length = 0;
    while ((length = recv(client, room.data(), room.size(), MSG_DONTWAIT)) > 0) {
        answer.append(room.data(), static_cast<std::size_t>(length));
    }
}

// The first octet of `input` says how long the pieces are, and whether the client goes away without
// reading. Gives what was answered.
inline std::string converse(boost::asio::io_context& context, int client,
                            std::span<const std::uint8_t> input) {
    const std::size_t piece = input.empty() ? 1 : 1 + (input[0] & 0x7fU);
    const bool rude = !input.empty() && (input[0] & 0x80U) != 0;
    std::string answer;
    for (std::size_t i = 1; i < input.size(); i += piece) {
        const auto part = input.subspan(i, std::min(piece, input.size() - i));
        if (send(client, part.data(), part.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
            break;
        }
        run_what_is_ready(context);
    }
    if (!rude) {
        shutdown(client, SHUT_WR);
        run_what_is_ready(context);
        take_answer(client, answer);
        run_what_is_ready(context);
        take_answer(client, answer);
    }
    return answer;
}

}  // namespace tcpeek
