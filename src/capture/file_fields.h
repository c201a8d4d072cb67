// Whole numbers in the headers of capture files, which come in either byte order.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/assert.h"
#include "base/byte_reader.h"

namespace tcpeek {

// The four octets at `octets`, which are there, as a number; for loops whose byte order is known
// when the program is compiled.
template <bool Swapped>
std::uint32_t load_file_word(const std::uint8_t* octets) {
    std::uint32_t word = 0;
    std::memcpy(&word, octets, sizeof word);
    return Swapped ? __builtin_bswap32(word) : word;
}

// Fields at known offsets of a header that is already there as a whole: an offset beyond it is a
// bug of the reader. The bytes must outlive the view.
class FileFields {
  public:
    FileFields(Bytes bytes, std::endian order)
        : bytes_(bytes), swapped_(order != std::endian::native) {}

    [[nodiscard]] std::uint8_t u8(std::size_t offset) const {
        TCPEEK_ASSERT(offset < bytes_.size());
        return bytes_[offset];
    }
    [[nodiscard]] std::uint16_t u16(std::size_t offset) const {
        const auto value = load<std::uint16_t>(offset);
        return swapped_ ? __builtin_bswap16(value) : value;
    }
    [[nodiscard]] std::uint32_t u32(std::size_t offset) const {
        const auto value = load<std::uint32_t>(offset);
        return swapped_ ? __builtin_bswap32(value) : value;
    }
    [[nodiscard]] std::uint64_t u64(std::size_t offset) const {
        const auto value = load<std::uint64_t>(offset);
        return swapped_ ? __builtin_bswap64(value) : value;
    }

  private:
    template <typename T>
    [[nodiscard]] T load(std::size_t offset) const {
        TCPEEK_ASSERT(offset <= bytes_.size() && bytes_.size() - offset >= sizeof(T));
        T value{};
        std::memcpy(&value, bytes_.data() + offset, sizeof(T));
        return value;
    }

    Bytes bytes_;
    bool swapped_;
};

}  // namespace tcpeek
