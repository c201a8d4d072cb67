#include "handshake/history.h"

#include <string_view>

namespace tcpeek {
namespace {

constexpr std::string_view kLetters = "SHADFRXshadfrxi";

}  // namespace

History::History(const ShortHistory& beginning) {
    for (unsigned n = 0; n < beginning.length(); ++n) {
        append(beginning[n]);
    }
}

void History::append(HistoryLetter letter) {
    if (length_ >= kCapacity) {
        length_ = kCapacity + 1;
        return;
    }
    const unsigned shift = length_ % 2 == 0 ? 0 : 4;
    std::uint8_t& pair = nibbles_[length_ / 2];
    pair = static_cast<std::uint8_t>(pair | static_cast<unsigned>(letter) << shift);
    ++length_;
}

void History::append(const History& more) {
    for (std::size_t n = 0; n < more.length_ && n < kCapacity; ++n) {
        append(more.letter(n));
    }
    if (more.length_ > kCapacity) {
        length_ = kCapacity + 1;
    }
}

HistoryLetter History::letter(std::size_t n) const {
    const unsigned both = nibbles_[n / 2];
    return static_cast<HistoryLetter>(both >> (n % 2 == 0 ? 0U : 4U) & 0xfU);
}

std::string History::to_string() const {
    std::string text;
    for (std::size_t n = 0; n < length_ && n < kCapacity; ++n) {
        text += kLetters[static_cast<std::size_t>(letter(n))];
    }
    if (length_ > kCapacity) {
        text += '+';
    }
    return text;
}

}  // namespace tcpeek
