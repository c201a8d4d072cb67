#include <gtest/gtest.h>

#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Variant {
    const char* name;
    std::uint32_t magic;
    std::int64_t ns_per_fraction;
    std::size_t extra_file_header;
    std::size_t extra_record_header;
};

constexpr Variant kVariants[] = {
    {"microseconds", 0xa1b2c3d4, 1'000, 0, 0}, {"nanoseconds", 0xa1b23c4d, 1, 0, 0},
    {"modified", 0xa1b2cd34, 1'000, 0, 8},     {"lcap by software", 0x1c0001ab, 1'000, 4, 0},
    {"lcap by hardware", 0x1c0001ac, 1, 4, 0},
};

TEST(CaptureFilePcap, ReadsEveryVariantInBothByteOrders) {
    for (const Variant& variant : kVariants) {
        for (const std::endian order : {std::endian::little, std::endian::big}) {
            SCOPED_TRACE(variant.name);
            FileBytes file(order);
            file.pcap_header({.magic = variant.magic}).raw(pattern(variant.extra_file_header));
            for (std::size_t i = 0; i < 3; ++i) {
                const Octets data = pattern(40 + i, i);
                file.u32(1'700'000'000 + i).u32(123'456 + i).u32(data.size()).u32(1'500);
                file.raw(pattern(variant.extra_record_header)).raw(data);
            }
            const ReadResult result = read_octets(file);
            EXPECT_EQ(result.error, "");
            EXPECT_EQ(result.damage, "");
            ASSERT_EQ(result.packets.size(), 3U);
            for (std::size_t i = 0; i < 3; ++i) {
                const auto n = static_cast<std::int64_t>(i);
                const std::int64_t time =
                    (1'700'000'000 + n) * kSecond + (123'456 + n) * variant.ns_per_fraction;
                EXPECT_EQ(result.packets[i], (ReadPacket{time, 1'500, 1, "", pattern(40 + i, i)}));
            }
        }
    }
}

TEST(CaptureFilePcap, CarriesFractionsBeyondASecondOver) {
    FileBytes file;
    file.pcap_header().pcap_record(10, 2'500'000, pattern(20));
    file.pcap_record(UINT32_MAX, UINT32_MAX, pattern(20));
    const ReadResult result = read_octets(file);
    ASSERT_EQ(result.packets.size(), 2U);
    EXPECT_EQ(result.packets[0].time_ns, 12 * kSecond + kSecond / 2);
    EXPECT_EQ(result.packets[1].time_ns,
              std::int64_t{UINT32_MAX} * kSecond + std::int64_t{UINT32_MAX} * 1'000);
    EXPECT_EQ(result.damage, "");
}

struct VersionCase {
    std::uint16_t major;
    std::uint16_t minor;
    std::uint32_t first;  // the two lengths as they stand in the record of 30 octets
    std::uint32_t second;
};

TEST(CaptureFilePcap, FindsTheCapturedLengthInOldVersions) {
    constexpr VersionCase kCases[] = {
        {2, 0, 90, 30}, {2, 1, 90, 30}, {2, 2, 90, 30},   {2, 3, 90, 30},
        {2, 3, 30, 90}, {2, 4, 30, 90}, {543, 0, 90, 30},
    };
    for (const VersionCase& c : kCases) {
        SCOPED_TRACE(std::to_string(c.major) + "." + std::to_string(c.minor));
        FileBytes file;
        file.pcap_header({.major = c.major, .minor = c.minor});
        file.u32(1).u32(2).u32(c.first).u32(c.second).raw(pattern(30));
        const ReadResult result = read_octets(file);
        EXPECT_EQ(result.damage, "");
        ASSERT_EQ(result.packets.size(), 1U);
        EXPECT_EQ(result.packets[0], (ReadPacket{kSecond + 2'000, 90, 1, "", pattern(30)}));
    }
}

TEST(CaptureFilePcap, RefusesVersionsThatNobodyWrites) {
    for (const auto& [major, minor] : {std::pair{1, 2}, {2, 5}, {2, 8224}, {3, 0}, {543, 1}}) {
        FileBytes file;
        file.pcap_header({.major = static_cast<std::uint16_t>(major),
                          .minor = static_cast<std::uint16_t>(minor)});
        const ReadResult result = read_octets(file);
        EXPECT_NE(result.error.find(" is a pcap file of version " + std::to_string(major) + "." +
                                    std::to_string(minor) +
                                    ", and tcpeek reads 2.0 to 2.4; "
                                    "convert it: editcap -F pcapng "),
                  std::string::npos)
            << result.error;
    }
}

struct SnapshotCase {
    const char* name;
    std::uint32_t magic;
    std::uint32_t link_type;
    std::uint32_t snapshot_length;
    std::size_t handed_out;  // of a record of 60 octets
};

TEST(CaptureFilePcap, CutsPacketsAtTheSnapshotLength) {
    constexpr SnapshotCase kCases[] = {
        {"shorter", 0xa1b2c3d4, 1, 20, 20},
        {"equal", 0xa1b2c3d4, 1, 60, 60},
        {"zero is unlimited", 0xa1b2c3d4, 1, 0, 60},
        {"beyond 31 bits is unlimited", 0xa1b2c3d4, 1, 0x80000000, 60},
        {"largest", 0xa1b2c3d4, 1, 0x7fffffff, 60},
        {"modified, Ethernet: an invented header more", 0xa1b2cd34, 1, 20, 34},
        {"modified, other", 0xa1b2cd34, 101, 20, 20},
        {"modified, largest", 0xa1b2cd34, 1, 0x7fffffff, 60},
    };
    for (const SnapshotCase& c : kCases) {
        SCOPED_TRACE(c.name);
        FileBytes file;
        file.pcap_header(
            {.magic = c.magic, .snapshot_length = c.snapshot_length, .link_type = c.link_type});
        const std::size_t extra = c.magic == 0xa1b2cd34 ? 8 : 0;
        for (std::size_t i = 0; i < 2; ++i) {
            file.u32(1).u32(0).u32(60).u32(60).raw(pattern(extra)).raw(pattern(60, i));
        }
        const ReadResult result = read_octets(file);
        EXPECT_EQ(result.damage, "");
        ASSERT_EQ(result.packets.size(), 2U);
        for (std::size_t i = 0; i < 2; ++i) {
            Octets expected = pattern(60, i);
            expected.resize(c.handed_out);
            EXPECT_EQ(result.packets[i].bytes, expected);
            EXPECT_EQ(result.packets[i].original, 60U);
        }
    }
}

TEST(CaptureFilePcap, IgnoresTheFrameCheckSequenceInTheLinkType) {
    FileBytes file;
    file.pcap_header({.link_type = 0xf4000000 | 113}).pcap_record(1, 0, pattern(20));
    const ReadResult result = read_octets(file);
    ASSERT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.packets[0].link_type, 113U);
}

TEST(CaptureFilePcap, HandsOutEmptyAndOverlongPacketsAsTheyStand) {
    FileBytes file;
    file.pcap_header().pcap_record(1, 0, {}, 60).pcap_record(2, 0, pattern(60), 20);
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), 2U);
    EXPECT_EQ(result.packets[0], (ReadPacket{kSecond, 60, 1, "", {}}));
    EXPECT_EQ(result.packets[1], (ReadPacket{2 * kSecond, 20, 1, "", pattern(60)}));
}

TEST(CaptureFilePcap, AFileWithoutPacketsEndsCleanly) {
    const ReadResult result = read_octets(FileBytes().pcap_header());
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.damage, "");
    EXPECT_TRUE(result.packets.empty());
}

struct LongestCase {
    std::uint32_t link_type;
    std::uint32_t largest;
};

TEST(CaptureFilePcap, TakesLongerPacketsForDamage) {
    for (const LongestCase& c : {LongestCase{1, 262'144}, {249, 1'048'576}, {279, 8'388'608}}) {
        SCOPED_TRACE(c.link_type);
        FileBytes file;
        file.pcap_header({.snapshot_length = 0, .link_type = c.link_type});
        file.pcap_record(1, 0, pattern(c.largest));
        const std::size_t damaged_at = file.size();
        file.u32(2).u32(0).u32(c.largest + 1).u32(c.largest + 1);
        file.raw(pattern(c.largest + 1));
        const ReadResult result = read_octets(file);
        ASSERT_EQ(result.packets.size(), 1U);
        EXPECT_EQ(result.packets[0].bytes, pattern(c.largest));
        EXPECT_NE(result.damage.find(
                      " is damaged: the packet record at byte " + std::to_string(damaged_at) +
                      " claims " + std::to_string(c.largest + 1) + " captured octets, more than " +
                      std::to_string(c.largest) + "; the packets before it were read"),
                  std::string::npos)
            << result.damage;
    }
}

// Records of all sizes, so that block ends fall on every place of a record.
TEST(CaptureFilePcap, FramesStraddleBlockEnds) {
    FileBytes file;
    file.pcap_header();
    constexpr std::size_t kPackets = 3'000;
    const auto size_of = [](std::size_t i) {
        return (i * 37) % 1'600 + (i % 500 == 0 ? 9'000 : 0);
    };
    for (std::size_t i = 0; i < kPackets; ++i) {
        file.pcap_record(i, i, pattern(size_of(i), i), 2'000);
    }
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), kPackets);
    for (std::size_t i = 0; i < kPackets; ++i) {
        ASSERT_EQ(result.packets[i].bytes, pattern(size_of(i), i)) << "packet " << i;
    }
}

TEST(CaptureFilePcap, TellsSizeAndProgress) {
    FileBytes file;
    file.pcap_header().pcap_record(1, 0, pattern(60));
    const MemoryFile memory(file.octets());
    InterfaceNames names;
    auto opened = CaptureFile::open(memory.path(), names);
    ASSERT_TRUE(opened.ok());
    EXPECT_EQ(opened.value().size(), file.size());
    Frame frame;
    EXPECT_TRUE(opened.value().next(frame));
    EXPECT_EQ(frame.interface, InterfaceId::none());
    EXPECT_FALSE(opened.value().next(frame));
    EXPECT_FALSE(opened.value().next(frame));
    EXPECT_EQ(opened.value().bytes_read(), file.size());
    EXPECT_FALSE(opened.value().interrupted());
}

}  // namespace
}  // namespace tcpeek::testing
