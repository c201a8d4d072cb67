// Writes a capture file for the benchmarks: bench_generate connections|bulk|flood COUNT FILE.
// connections: COUNT handshakes with a little data each, many at a time; bulk: COUNT data segments
// of 16 connections; flood: COUNT SYNs from as many sources, nobody answers. Packets come every 10
// microseconds, in a flood every microsecond.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>
#include <vector>

namespace {

constexpr std::uint8_t kFin = 0x01;
constexpr std::uint8_t kSyn = 0x02;
constexpr std::uint8_t kAck = 0x10;
constexpr std::uint32_t kClientIsn = 1'000;
constexpr std::uint32_t kServerIsn = 5'000;
constexpr std::uint32_t kBulkPayload = 1'448;

struct Packet {
    std::uint32_t client = 0;  // becomes address and port
    bool from_client = true;
    std::uint8_t flags = 0;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint32_t payload = 0;
};

class CaptureWriter {
  public:
    CaptureWriter(std::FILE* file, std::uint32_t microseconds_apart)
        : file_(file), microseconds_apart_(microseconds_apart) {
        little_endian({0xa1b2c3d4, 0x00040002, 0, 0, 262'144, 1});
        flush();
    }

    void write(const Packet& packet) {
        microseconds_ += microseconds_apart_;
        const std::uint32_t length = 14 + 20 + 20 + packet.payload;
        little_endian(
            {1'700'000'000 + microseconds_ / 1'000'000, microseconds_ % 1'000'000, length, length});
        bytes_.insert(bytes_.end(), {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00});
        const std::uint32_t client_address = 0x0a000000U + packet.client / 50'000;
        const auto client_port = static_cast<std::uint16_t>(1'024 + packet.client % 50'000);
        constexpr std::uint32_t kServerAddress = 0xc0a80001;
        big_endian(0x4500, 2);
        big_endian(40 + packet.payload, 2);
        big_endian(microseconds_ & 0xffffU, 2);
        big_endian(0x4000, 2);
        big_endian(0x4006, 2);
        big_endian(0, 2);
        big_endian(packet.from_client ? client_address : kServerAddress, 4);
        big_endian(packet.from_client ? kServerAddress : client_address, 4);
        big_endian(packet.from_client ? client_port : 80U, 2);
        big_endian(packet.from_client ? 80U : client_port, 2);
        big_endian(packet.seq, 4);
        big_endian(packet.ack, 4);
        big_endian(0x5000U | packet.flags, 2);
        big_endian(64'240, 2);
        big_endian(0, 4);
        bytes_.insert(bytes_.end(), packet.payload, std::uint8_t{'x'});
        if (bytes_.size() > 1'000'000) {
            flush();
        }
    }

    void flush() {
        std::fwrite(bytes_.data(), 1, bytes_.size(), file_);
        bytes_.clear();
    }

  private:
    void little_endian(std::initializer_list<std::uint32_t> words) {
        for (const std::uint32_t word : words) {
            for (unsigned shift = 0; shift < 32; shift += 8) {
                bytes_.push_back(static_cast<std::uint8_t>(word >> shift));
            }
        }
    }
    void big_endian(std::uint32_t value, unsigned width) {
        for (unsigned i = width; i > 0; --i) {
            bytes_.push_back(static_cast<std::uint8_t>(value >> 8U * (i - 1)));
        }
    }

    std::FILE* file_;
    std::uint32_t microseconds_apart_;
    std::vector<std::uint8_t> bytes_;
    std::uint32_t microseconds_ = 0;
};

void write_connections(CaptureWriter& capture, std::uint32_t count) {
    // As many at a time, so that the packets of one connection lie far apart.
    constexpr std::uint32_t kAtATime = 200;
    constexpr std::array<Packet, 9> kLife{{
        {0, true, kSyn, kClientIsn, 0, 0},
        {0, false, kSyn | kAck, kServerIsn, kClientIsn + 1, 0},
        {0, true, kAck, kClientIsn + 1, kServerIsn + 1, 0},
        {0, true, kAck, kClientIsn + 1, kServerIsn + 1, 120},
        {0, false, kAck, kServerIsn + 1, kClientIsn + 121, 600},
        {0, true, kAck, kClientIsn + 121, kServerIsn + 601, 0},
        {0, true, kAck | kFin, kClientIsn + 121, kServerIsn + 601, 0},
        {0, false, kAck | kFin, kServerIsn + 601, kClientIsn + 122, 0},
        {0, true, kAck, kClientIsn + 122, kServerIsn + 602, 0},
    }};
    for (std::uint32_t first = 0; first < count; first += kAtATime) {
        for (Packet packet : kLife) {
            for (std::uint32_t i = 0; i < kAtATime && first + i < count; ++i) {
                packet.client = first + i;
                capture.write(packet);
            }
        }
    }
}

void write_bulk(CaptureWriter& capture, std::uint32_t count) {
    constexpr std::uint32_t kConnections = 16;
    for (std::uint32_t client = 0; client < kConnections; ++client) {
        capture.write({client, true, kSyn, kClientIsn, 0, 0});
        capture.write({client, false, kSyn | kAck, kServerIsn, kClientIsn + 1, 0});
        capture.write({client, true, kAck, kClientIsn + 1, kServerIsn + 1, 0});
    }
    std::array<std::uint32_t, kConnections> sent{};
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint32_t client = i % kConnections;
        std::uint32_t& octets = sent[client];
        capture.write({client, true, kAck, kClientIsn + 1 + octets, kServerIsn + 1, kBulkPayload});
        octets += kBulkPayload;
        if (i % 32 == client) {
            capture.write({client, false, kAck, kServerIsn + 1, kClientIsn + 1 + octets, 0});
        }
    }
}

void write_flood(CaptureWriter& capture, std::uint32_t count) {
    for (std::uint32_t client = 0; client < count; ++client) {
        capture.write({client, true, kSyn, client * 2'654'435'761U, 0, 0});
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::vector<std::string_view> arguments(argv + 1, argv + argc);
    std::uint32_t count = 0;
    if (arguments.size() != 3 ||
        std::from_chars(arguments[1].data(), arguments[1].data() + arguments[1].size(), count).ec !=
            std::errc()) {
        fmt::print(stderr, "usage: bench_generate connections|bulk|flood COUNT FILE\n");
        return 2;
    }
    std::FILE* file = std::fopen(argv[3], "wb");
    if (file == nullptr) {
        std::perror(argv[3]);
        return 1;
    }
    CaptureWriter capture(file, arguments[0] == "flood" ? 1 : 10);
    if (arguments[0] == "connections") {
        write_connections(capture, count);
    } else if (arguments[0] == "bulk") {
        write_bulk(capture, count);
    } else if (arguments[0] == "flood") {
        write_flood(capture, count);
    }
    capture.flush();
    return std::fclose(file) == 0 ? 0 : 1;
}
