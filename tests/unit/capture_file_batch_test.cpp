// Many frames at a time from a capture file: the same as one by one, whatever lies between them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>

#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

constexpr std::size_t kMostFrames = 40;

// Reads with at most `batch` frames a call. Frames are looked at only when all of a call are there,
// so that one whose octets were moved meanwhile shows.
ReadResult read_in_batches(const FileBytes& file, std::size_t batch) {
    ReadResult result;
    InterfaceNames names;
    const MemoryFile memory(file.octets());
    auto opened = CaptureFile::open(memory.path(), names);
    if (!opened) {
        result.error = opened.error().message;
        return result;
    }
    std::array<Frame, kMostFrames> frames;
    while (const std::size_t count = opened.value().next(std::span(frames).first(batch))) {
        for (std::size_t i = 0; i < count; ++i) {
            result.packets.push_back(copy_of(frames[i], names));
        }
    }
    if (opened.value().damage()) {
        result.damage = opened.value().damage()->message;
    }
    return result;
}

// The sentence without the file's name, which differs from one time to the next.
std::string sentence(const std::string& damage) {
    const auto begin = std::min(damage.find(" is damaged"), damage.find(" ends at"));
    return begin == std::string::npos ? damage : damage.substr(begin);
}

void check(const FileBytes& file, const std::vector<ReadPacket>& expected,
           const std::string& damage = "") {
    for (const std::size_t batch : {std::size_t{1}, std::size_t{2}, std::size_t{7}, kMostFrames}) {
        SCOPED_TRACE("batches of " + std::to_string(batch));
        const ReadResult result = read_in_batches(file, batch);
        EXPECT_EQ(result.error, "");
        EXPECT_EQ(sentence(result.damage), damage);
        EXPECT_EQ(result.packets, expected);
    }
}

constexpr std::endian kOrders[] = {std::endian::little, std::endian::big};

// Enough for several blocks of a read, with every place of a record at the end of one, and one
// packet that is longer than a block.
std::size_t size_of(std::size_t packet) {
    return packet % 700 == 650 ? 140'000 : packet * 37 % 400;
}
constexpr std::size_t kPackets = 2'100;

TEST(CaptureFileBatch, RecordsOfAllSizes) {
    for (const std::endian order : kOrders) {
        for (const std::uint32_t magic : {0xa1b2c3d4U, 0xa1b23c4dU, 0xa1b2cd34U}) {
            FileBytes file(order);
            file.pcap_header({.magic = magic});
            std::vector<ReadPacket> expected;
            for (std::size_t i = 0; i < kPackets; ++i) {
                const Octets data = pattern(size_of(i), i);
                file.u32(i).u32(7).u32(data.size()).u32(200'000);
                file.raw(pattern(magic == 0xa1b2cd34 ? 8 : 0)).raw(data);
                const std::int64_t fraction = magic == 0xa1b23c4d ? 7 : 7'000;
                expected.push_back({static_cast<std::int64_t>(i) * 1'000'000'000 + fraction,
                                    200'000, 1, "", data});
            }
            check(file, expected);
        }
    }
}

TEST(CaptureFileBatch, PacketBlocksOfAllKinds) {
    for (const std::endian order : kOrders) {
        FileBytes file(order);
        file.section().interface(1, 0, {{2, text("eth0")}});
        file.interface(101, 0, {{2, text("tun0")}, {9, {9}}});
        std::vector<ReadPacket> expected;
        for (std::size_t i = 0; i < kPackets; ++i) {
            const Octets data = pattern(size_of(i), i);
            const std::uint64_t ticks = 0x1'0000'0000 + i;
            const auto time = static_cast<std::int64_t>(ticks);
            const auto size = static_cast<std::uint32_t>(data.size());
            if (i % 50 == 10) {
                file.block(0xbad, FileBytes(order).raw(pattern(i % 9 * 4)));
            }
            if (i % 10 == 3) {
                file.old_packet(1, ticks, data);
                expected.push_back({time, size, 101, "tun0", data});
            } else if (i % 10 == 7) {
                file.simple(size, data);
                expected.push_back({0, size, 1, "eth0", data});
            } else {
                file.enhanced(i % 2, ticks, data);
                expected.push_back({i % 2 == 0 ? time * 1'000 : time, size, i % 2 == 0 ? 1U : 101U,
                                    i % 2 == 0 ? "eth0" : "tun0", data});
            }
        }
        check(file, expected);
    }
}

TEST(CaptureFileBatch, RecordsBeyondTheSnapshotLengthAmongOthers) {
    FileBytes file;
    file.pcap_header({.snapshot_length = 50});
    std::vector<ReadPacket> expected;
    for (std::size_t i = 0; i < 100; ++i) {
        Octets data = pattern(i % 3 == 0 ? 51 : 50, i);
        file.pcap_record(i, 0, data, 90);
        data.resize(50);
        expected.push_back({static_cast<std::int64_t>(i) * 1'000'000'000, 90, 1, "", data});
    }
    check(file, expected);
}

TEST(CaptureFileBatch, LengthsInAnyOrderOfAnOldVersion) {
    FileBytes file;
    file.pcap_header({.minor = 3});
    std::vector<ReadPacket> expected;
    for (std::size_t i = 0; i < 100; ++i) {
        const Octets data = pattern(30, i);
        file.u32(i).u32(0).u32(i % 2 == 0 ? 30 : 90).u32(i % 2 == 0 ? 90 : 30).raw(data);
        expected.push_back({static_cast<std::int64_t>(i) * 1'000'000'000, 90, 1, "", data});
    }
    check(file, expected);
}

TEST(CaptureFileBatch, DamageAfterAWholeBatchIsToldAfterIt) {
    for (const std::endian order : kOrders) {
        FileBytes file(order);
        file.pcap_header();
        std::vector<ReadPacket> expected;
        for (std::size_t i = 0; i < 40; ++i) {
            file.pcap_record(0, 0, pattern(10, i));
            expected.push_back({0, 10, 1, "", pattern(10, i)});
        }
        FileBytes cut = file;
        cut.u32(0).u32(0).u32(11).u32(11).raw(pattern(10));
        check(cut, expected,
              " ends at byte 1090 in the middle of the packet record that begins at byte 1064; the "
              "packets before it were read");
        file.u32(0).u32(0).u32(262'145).u32(262'145).raw(pattern(10));
        check(file, expected,
              " is damaged: the packet record at byte 1064 claims 262145 captured octets, more "
              "than 262144; the packets before it were read");
    }
}

struct BlockCase {
    const char* name;
    std::uint32_t length;  // of the block, as it stands at its beginning
    std::uint32_t interface;
    std::uint32_t captured;
    std::uint32_t trailer;
    const char* damage;
};

// The last block holds 12 octets of a packet and, except for what is stated, nothing odd.
TEST(CaptureFileBatch, BlocksThatContradictThemselvesAfterGoodOnes) {
    constexpr BlockCase kCases[] = {
        {"good", 44, 0, 12, 44, nullptr},
        {"shorter packet", 44, 0, 9, 44, nullptr},
        {"packet of one octet more", 44, 0, 13, 44,
         "is too short with 44 bytes for the packet that it claims to hold"},
        {"no such interface", 44, 1, 12, 44,
         "holds a packet of interface 1, and its section describes 1"},
        {"other length at its end", 44, 0, 12, 48,
         "claims a length of 44 bytes at its start and of 48 at its end"},
        {"no room for the fixed fields", 28, 0, 0, 44,
         "claims a length of 28 bytes at its start and of 12 at its end"},
        {"odd length", 42, 0, 10, 42, "claims a length of 42 bytes, not a multiple of 4"},
    };
    for (const BlockCase& c : kCases) {
        for (const std::endian order : kOrders) {
            SCOPED_TRACE(c.name);
            FileBytes file(order);
            file.section().interface(1, 0);
            std::vector<ReadPacket> expected;
            for (std::size_t i = 0; i < 5; ++i) {
                file.enhanced(0, i, pattern(10, i));
                expected.push_back(
                    {static_cast<std::int64_t>(i) * 1'000, 10, 1, "", pattern(10, i)});
            }
            const std::size_t start = file.size();
            // The block of 28 bytes would end with the original length, which is 12.
            file.u32(6).u32(c.length).u32(c.interface).u32(0).u32(5).u32(c.captured).u32(12);
            file.raw(pattern(12)).u32(c.trailer);
            std::string damage;
            if (c.damage != nullptr) {
                damage = " is damaged: the block at byte " + std::to_string(start) + " " +
                         c.damage + "; the packets before it were read";
            } else {
                Octets data = pattern(12);
                data.resize(c.captured);
                expected.push_back({5'000, 12, 1, "", data});
            }
            check(file, expected, damage);
        }
    }
}

}  // namespace
}  // namespace tcpeek::testing
