// Writes capture files byte by byte, in either byte order, and reads them through CaptureFile; for
// the tests of the readers.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "capture/capture_file.h"

namespace tcpeek::testing {

using Octets = std::vector<std::uint8_t>;

// `size` octets that differ from packet to packet, so that a wrong offset shows.
inline Octets pattern(std::size_t size, std::size_t seed = 1) {
    Octets octets(size);
    for (std::size_t i = 0; i < size; ++i) {
        octets[i] = static_cast<std::uint8_t>(seed * 31 + i * 7 + (i >> 8U));
    }
    return octets;
}

inline Octets text(std::string_view characters) {
    return {characters.begin(), characters.end()};
}

struct PcapHeader {
    std::uint32_t magic = 0xa1b2c3d4;
    std::uint16_t major = 2;
    std::uint16_t minor = 4;
    std::uint32_t snapshot_length = 262'144;
    std::uint32_t link_type = 1;
};

struct PcapngOption {
    std::uint16_t code = 0;
    Octets value;
};

// A capture file in the making. Numbers are written in the given byte order.
class FileBytes {
  public:
    explicit FileBytes(std::endian order = std::endian::little) : order_(order) {}

    [[nodiscard]] const Octets& octets() const { return octets_; }
    [[nodiscard]] std::size_t size() const { return octets_.size(); }
    void set_order(std::endian order) { order_ = order; }

    FileBytes& number(std::uint64_t value, std::size_t width) {
        for (std::size_t i = 0; i < width; ++i) {
            const std::size_t place = order_ == std::endian::little ? i : width - 1 - i;
            octets_.push_back(static_cast<std::uint8_t>(value >> (8 * place)));
        }
        return *this;
    }
    FileBytes& u16(std::uint64_t value) { return number(value, 2); }
    FileBytes& u32(std::uint64_t value) { return number(value, 4); }
    FileBytes& u64(std::uint64_t value) { return number(value, 8); }
    FileBytes& raw(const Octets& octets) {
        octets_.insert(octets_.end(), octets.begin(), octets.end());
        return *this;
    }
    FileBytes& pad(std::size_t multiple = 4) {
        while (octets_.size() % multiple != 0) {
            octets_.push_back(0);
        }
        return *this;
    }

    FileBytes& pcap_header(const PcapHeader& header = {}) {
        u32(header.magic).u16(header.major).u16(header.minor).u32(0).u32(0);
        return u32(header.snapshot_length).u32(header.link_type);
    }
    FileBytes& pcap_record(std::uint64_t seconds, std::uint64_t fraction, const Octets& data,
                           std::optional<std::uint64_t> original = std::nullopt) {
        u32(seconds).u32(fraction).u32(data.size()).u32(original.value_or(data.size()));
        return raw(data);
    }

    // Any pcapng block; the body is padded to whole words.
    FileBytes& block(std::uint32_t type, const FileBytes& body) {
        const std::size_t length = 12 + (body.size() + 3) / 4 * 4;
        return u32(type).u32(length).raw(body.octets()).pad().u32(length);
    }
    [[nodiscard]] FileBytes body() const { return FileBytes(order_); }

    FileBytes& section(std::uint16_t major = 1, std::uint16_t minor = 0) {
        return block(0x0a0d0d0a, body().u32(0x1a2b3c4d).u16(major).u16(minor).u64(~0ULL));
    }
    FileBytes& interface(std::uint16_t link_type, std::uint32_t snapshot_length,
                         const std::vector<PcapngOption>& options = {}) {
        FileBytes fields = body().u16(link_type).u16(0).u32(snapshot_length);
        for (const PcapngOption& option : options) {
            fields.u16(option.code).u16(option.value.size()).raw(option.value).pad();
        }
        return block(1, fields);
    }
    FileBytes& enhanced(std::uint32_t interface, std::uint64_t ticks, const Octets& data,
                        std::optional<std::uint64_t> original = std::nullopt) {
        FileBytes fields = body().u32(interface).u32(ticks >> 32U).u32(ticks & 0xffffffff);
        fields.u32(data.size()).u32(original.value_or(data.size())).raw(data);
        return block(6, fields);
    }
    FileBytes& old_packet(std::uint16_t interface, std::uint64_t ticks, const Octets& data) {
        FileBytes fields = body().u16(interface).u16(7).u32(ticks >> 32U).u32(ticks & 0xffffffff);
        return block(2, fields.u32(data.size()).u32(data.size()).raw(data));
    }
    FileBytes& simple(std::uint32_t original, const Octets& data) {
        return block(3, body().u32(original).raw(data));
    }

  private:
    std::endian order_;
    Octets octets_;
};

// A file that is only in memory, with a path that can be opened.
class MemoryFile {
  public:
    explicit MemoryFile(const Octets& octets) : fd_(::memfd_create("capture", MFD_CLOEXEC)) {
        std::size_t written = 0;
        while (written < octets.size()) {
            const auto count = ::write(fd_.get(), octets.data() + written, octets.size() - written);
            if (count <= 0) {
                break;
            }
            written += static_cast<std::size_t>(count);
        }
    }
    [[nodiscard]] std::string path() const { return "/proc/self/fd/" + std::to_string(fd_.get()); }

  private:
    UniqueFd fd_;
};

struct ReadPacket {
    std::int64_t time_ns = 0;
    std::uint32_t original = 0;
    std::uint32_t link_type = 0;
    std::string interface;
    Octets bytes;

    friend bool operator==(const ReadPacket&, const ReadPacket&) = default;
};

struct ReadResult {
    std::string error;  // of `open`, else empty
    std::vector<ReadPacket> packets;
    std::string damage;  // empty at a clean end
};

inline ReadPacket copy_of(const Frame& frame, const InterfaceNames& names) {
    return {frame.time.ns, frame.original_length, frame.link_type.number,
            std::string(names.name(frame.interface)),
            Octets(frame.bytes.begin(), frame.bytes.end())};
}

inline ReadResult read_path(const std::string& path) {
    ReadResult result;
    InterfaceNames names;
    auto file = CaptureFile::open(path, names);
    if (!file) {
        result.error = file.error().message;
        return result;
    }
    Frame frame;
    while (file.value().next(frame)) {
        result.packets.push_back(copy_of(frame, names));
    }
    if (file.value().damage()) {
        result.damage = file.value().damage()->message;
    }
    return result;
}

inline ReadResult read_octets(const Octets& octets) {
    return read_path(MemoryFile(octets).path());
}

inline ReadResult read_octets(const FileBytes& file) {
    return read_octets(file.octets());
}

}  // namespace tcpeek::testing
