// Reads the pcapng format: sections of blocks, of which interface descriptions and the three kinds
// of packet blocks matter here (draft-ietf-opsawg-pcapng).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "capture/file_input.h"
#include "capture/interface_names.h"
#include "capture/pcapng_interface.h"
#include "dissect/frame.h"

namespace tcpeek {

class PcapngReader {
  public:
    // What a file of this format is made of, for messages.
    static constexpr std::string_view kUnit = "block";

    // Whether a file that begins with these twelve bytes is a pcapng file.
    static bool recognises(Bytes start);

    // `names` must outlive the reader. Nothing is read yet.
    explicit PcapngReader(InterfaceNames& names) : names_(&names) {}

    // Reads the first section's header. Returns nothing when that succeeded.
    std::optional<FileStep> open(FileInput& input);

    // The next packet. Its bytes are valid until the next call.
    FileStep next(FileInput& input, Frame& frame);

    // Takes the packets that are in memory as a whole, up to the first with anything odd about it
    // or another kind of block, which is left to `next`; returns how many. What `next` gave before
    // stays valid as long as the input does not move its bytes.
    std::size_t next_in_memory(FileInput& input, std::span<Frame> frames);

    // Where the block began that could not be finished.
    [[nodiscard]] std::uint64_t unit_start(const FileInput& /*input*/) const {
        return block_start_;
    }
    // What is wrong after `FileStep::flawed`.
    [[nodiscard]] const std::string& flaw() const { return flaw_; }

  private:
    // What a step came to; nothing: go on with the next step.
    using Outcome = std::optional<FileStep>;

    // A packet block's fixed fields.
    struct Packet {
        std::uint32_t interface = 0;
        std::uint64_t ticks = 0;
        std::uint32_t captured = 0;
        std::uint32_t original = 0;
        std::size_t data_offset = 0;  // within the block's body
    };

    template <bool Swapped>
    std::size_t take_whole_packets(FileInput& input, std::span<Frame> frames);
    Outcome finish_block(FileInput& input);
    Outcome begin_block(FileInput& input);
    Outcome read_block_header(FileInput& input);
    Outcome check_length(bool starts_section);
    Outcome check_trailer(Bytes trailer);
    Outcome interpret_block(Bytes body, Frame& frame);
    Outcome start_section(Bytes body);
    Outcome add_interface(Bytes body);
    Outcome enhanced_packet(Bytes body, Frame& frame);
    Outcome simple_packet(Bytes body, Frame& frame);
    Outcome hand_out(const Packet& packet, Bytes body, Frame& frame);
    Outcome too_short();
    Outcome give_up(std::string flaw);

    InterfaceNames* names_;
    std::endian order_ = std::endian::little;
    std::vector<PcapngInterface> interfaces_;  // of this section, by their number

    // The block at hand.
    std::uint64_t block_start_ = 0;
    std::uint32_t block_type_ = 0;
    std::uint32_t block_length_ = 0;
    // Either all of it is in memory, and this many octets are consumed at the next call because a
    // frame may lie in them; or it is being skipped, and all but its last four are consumed.
    std::uint32_t held_ = 0;
    bool skipping_ = false;
    std::string flaw_;
};

}  // namespace tcpeek
