#include "handshake/history.h"

#include <string_view>

namespace tcpeek {
namespace {

constexpr std::string_view kLetters = "SHADFRXshadfrxi";

}  // namespace

void History::append(HistoryLetter letter) {
    if (length_ >= kCapacity) {
        length_ = kCapacity + 1;
        return;
    }
    words_[length_ / kLettersPerWord] |= static_cast<std::uint64_t>(letter)
                                         << 4U * (length_ % kLettersPerWord);
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
    return static_cast<HistoryLetter>(words_[n / kLettersPerWord] >> 4U * (n % kLettersPerWord) &
                                      0xfU);
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
