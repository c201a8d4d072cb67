// The life of an attempt in letters, one per packet (S SYN, H SYN/ACK, A ACK, D data, F FIN, R RST,
// I ICMP error, X ignored; upper case from the client, lower case from the server or the network).
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace tcpeek {

enum class HistoryLetter : std::uint8_t {
    client_syn,
    client_synack,
    client_ack,
    client_data,
    client_fin,
    client_rst,
    client_ignored,
    server_syn,
    server_synack,
    server_ack,
    server_data,
    server_fin,
    server_rst,
    server_ignored,
    icmp_error,
};

// The first 32 letters of a life; what follows is only known to be there. A value of 17 bytes.
class History {
  public:
    static constexpr std::size_t kCapacity = 32;

    void append(HistoryLetter letter);
    // E.g. "ShA"; a "+" at the end says that more followed.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const History&, const History&) = default;

  private:
    std::array<std::uint8_t, kCapacity / 2> nibbles_{};  // two letters a byte, low half first
    std::uint8_t length_ = 0;                            // kCapacity + 1: more followed
};

}  // namespace tcpeek
