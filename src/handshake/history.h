// The life of an attempt in letters, one per packet (S SYN, H SYN/ACK, A ACK, D data, F FIN, R RST,
// I ICMP error, X ignored; upper case from the client, lower case from the server or the network).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/word64.h"

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

// The first 15 letters of a life, in eight octets: most lives are shorter.
class ShortHistory {
  public:
    static constexpr unsigned kCapacity = 15;

    // Returns false, and keeps nothing, when it is full.
    bool append(HistoryLetter letter) {
        const unsigned n = length();
        if (n == kCapacity) {
            return false;
        }
        packed_ = (packed_ | static_cast<std::uint64_t>(letter) << 4U * n) + kOneMore;
        return true;
    }
    [[nodiscard]] unsigned length() const { return static_cast<unsigned>(packed_ / kOneMore); }
    // All letters, four bits each from the lowest on.
    [[nodiscard]] std::uint64_t letters() const { return packed_ % kOneMore; }

  private:
    static constexpr std::uint64_t kOneMore = std::uint64_t{1} << 60U;

    Word64 packed_;  // letters from the lowest four bits on; the highest four: how many
};

// The first 32 letters of a life; what follows is only known to be there. A value of three words.
class History {
  public:
    static constexpr std::size_t kCapacity = 32;

    History() = default;
    explicit History(const ShortHistory& beginning)
        : words_{beginning.letters(), 0}, length_(static_cast<std::uint8_t>(beginning.length())) {}

    void append(HistoryLetter letter);
    // What follows.
    void append(const History& more);
    // E.g. "ShA"; a "+" at the end says that more followed.
    [[nodiscard]] std::string to_string() const;

    friend bool operator==(const History&, const History&) = default;

  private:
    [[nodiscard]] HistoryLetter letter(std::size_t n) const;

    static constexpr std::size_t kLettersPerWord = 16;

    std::array<std::uint64_t, kCapacity / kLettersPerWord>
        words_{};              // four bits a letter, lowest first
    std::uint8_t length_ = 0;  // kCapacity + 1: more followed
};

}  // namespace tcpeek
