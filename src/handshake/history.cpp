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
    const unsigned shift = length_ % 2 == 0 ? 0 : 4;
    std::uint8_t& pair = nibbles_[length_ / 2];
    pair = static_cast<std::uint8_t>(pair | static_cast<unsigned>(letter) << shift);
    ++length_;
}

std::string History::to_string() const {
    std::string text;
    for (std::size_t i = 0; i < length_ && i < kCapacity; ++i) {
        const unsigned shift = i % 2 == 0 ? 0 : 4;
        text += kLetters[static_cast<std::size_t>(nibbles_[i / 2] >> shift) & 0xfU];
    }
    if (length_ > kCapacity) {
        text += '+';
    }
    return text;
}

}  // namespace tcpeek
