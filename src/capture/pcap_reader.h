// Reads the classic pcap format in all its variants: a file header, then one record a packet
// (draft-ietf-opsawg-pcap).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "capture/file_input.h"
#include "dissect/frame.h"

namespace tcpeek {

class PcapReader {
  public:
    // What a file of this format is made of, for messages.
    static constexpr std::string_view kUnit = "packet record";

    // Whether a file that begins with these four bytes is a pcap file that we read.
    static bool recognises(Bytes magic);

    // Reads the file header. An error (a predicate of the file: "is a pcap file of ...") says why
    // the rest cannot be read; nothing when the input gave less than a header.
    static Result<std::optional<PcapReader>> open(FileInput& input);

    // The next packet. Its bytes are valid until the next call.
    FileStep next(FileInput& input, Frame& frame);

    // Takes the packets that are in memory as a whole, up to the first with anything odd about it,
    // which is left to `next`; returns how many. What `next` gave before stays valid as long as the
    // input does not move its bytes.
    std::size_t next_in_memory(FileInput& input, std::span<Frame> frames);

    // Where the record began that `next` could not finish.
    [[nodiscard]] static std::uint64_t unit_start(const FileInput& input) {
        return input.position();
    }
    // What is wrong after `FileStep::flawed`.
    [[nodiscard]] const std::string& flaw() const { return flaw_; }

  private:
    // Version 2.3 put the captured length before the original length (the order of the BPF
    // header); some programs kept the old order under the new version, or under their own.
    enum class LengthOrder : std::uint8_t { captured_first, original_first, smaller_is_captured };

    struct Lengths {
        std::uint32_t captured = 0;
        std::uint32_t original = 0;
    };

    PcapReader() = default;
    static std::optional<LengthOrder> length_order(std::uint16_t major, std::uint16_t minor);
    template <bool Swapped>
    std::size_t take_whole_records(FileInput& input, std::span<Frame> frames);
    [[nodiscard]] Timestamp time_of(std::uint32_t seconds, std::uint32_t fraction) const {
        // At most 2^32 seconds and 2^32 microseconds: this cannot overflow.
        return {std::int64_t{seconds} * 1'000'000'000 +
                std::int64_t{fraction} * std::int64_t{ns_per_fraction_}};
    }
    [[nodiscard]] Lengths sort_lengths(std::uint32_t first, std::uint32_t second) const;

    std::endian order_ = std::endian::little;
    LengthOrder length_order_ = LengthOrder::captured_first;
    std::uint32_t record_header_size_ = 16;
    std::uint32_t ns_per_fraction_ = 1'000;
    std::uint32_t snapshot_length_ = 0;
    std::uint32_t largest_packet_ = 0;
    LinkType link_type_;
    std::size_t handed_out_ = 0;  // octets of the record whose frame the caller has
    std::string flaw_;
};

}  // namespace tcpeek
