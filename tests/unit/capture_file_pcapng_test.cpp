#include <gtest/gtest.h>

#include <limits>

#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint16_t kName = 2;
constexpr std::uint16_t kResolution = 9;
constexpr std::uint16_t kOffset = 14;
constexpr std::uint16_t kComment = 1;

PcapngOption resolution(unsigned value) {
    return {kResolution, {static_cast<std::uint8_t>(value)}};
}

PcapngOption offset(std::int64_t seconds, std::endian order = std::endian::little) {
    return {kOffset, FileBytes(order).u64(static_cast<std::uint64_t>(seconds)).octets()};
}

PcapngOption name(std::string_view characters) {
    return {kName, text(characters)};
}

TEST(CaptureFilePcapng, ReadsAllPacketBlocksInBothByteOrders) {
    for (const std::endian order : {std::endian::little, std::endian::big}) {
        FileBytes file(order);
        file.section().interface(1, 50, {name("eth0"), resolution(9), {0, {}}});
        file.enhanced(0, 5'000'000'000, pattern(45, 1), 90);
        file.old_packet(0, 6'000'000'000, pattern(46, 2));
        file.simple(60, pattern(50, 3));
        file.simple(47, pattern(47, 4));
        const ReadResult result = read_octets(file);
        EXPECT_EQ(result.error, "");
        EXPECT_EQ(result.damage, "");
        ASSERT_EQ(result.packets.size(), 4U);
        EXPECT_EQ(result.packets[0], (ReadPacket{5 * kSecond, 90, 1, "eth0", pattern(45, 1)}));
        EXPECT_EQ(result.packets[1], (ReadPacket{6 * kSecond, 46, 1, "eth0", pattern(46, 2)}));
        EXPECT_EQ(result.packets[2], (ReadPacket{0, 60, 1, "eth0", pattern(50, 3)}));
        EXPECT_EQ(result.packets[3], (ReadPacket{0, 47, 1, "eth0", pattern(47, 4)}));
    }
}

TEST(CaptureFilePcapng, KeepsEachInterfacesOwnProperties) {
    FileBytes file;
    file.section()
        .interface(1, 262'144, {name("eth0")})
        .interface(113, 96, {resolution(9), name("any")})
        .interface(101, 0, {offset(100)});
    file.enhanced(1, 7, pattern(60)).enhanced(0, 7, pattern(61)).enhanced(2, 7, pattern(62));
    file.interface(0, 10, {name("lo")}).enhanced(3, 8, pattern(63));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), 4U);
    EXPECT_EQ(result.packets[0], (ReadPacket{7, 60, 113, "any", pattern(60)}));
    EXPECT_EQ(result.packets[1], (ReadPacket{7'000, 61, 1, "eth0", pattern(61)}));
    EXPECT_EQ(result.packets[2], (ReadPacket{100 * kSecond + 7'000, 62, 101, "", pattern(62)}));
    // Longer than the snapshot length, but it is there.
    EXPECT_EQ(result.packets[3], (ReadPacket{8'000, 63, 0, "lo", pattern(63)}));
}

TEST(CaptureFilePcapng, StartsAnewWithEachSection) {
    FileBytes file(std::endian::little);
    file.section().interface(1, 0, {name("eth0")}).enhanced(0, 1, pattern(60, 1));
    file.set_order(std::endian::big);
    file.section(1, 2).interface(113, 0, {name("any")}).interface(1, 0, {name("eth0")});
    file.enhanced(0, 2, pattern(60, 2)).enhanced(1, 3, pattern(60, 3));
    file.set_order(std::endian::little);
    file.section().interface(101, 0).enhanced(0, 4, pattern(60, 4));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), 4U);
    EXPECT_EQ(result.packets[0], (ReadPacket{1'000, 60, 1, "eth0", pattern(60, 1)}));
    EXPECT_EQ(result.packets[1], (ReadPacket{2'000, 60, 113, "any", pattern(60, 2)}));
    EXPECT_EQ(result.packets[2], (ReadPacket{3'000, 60, 1, "eth0", pattern(60, 3)}));
    EXPECT_EQ(result.packets[3], (ReadPacket{4'000, 60, 101, "", pattern(60, 4)}));
}

TEST(CaptureFilePcapng, SameNameSameInterface) {
    FileBytes file;
    file.section().interface(1, 0, {name("eth0")}).interface(1, 0, {name("eth1")});
    file.section().interface(1, 0, {name("eth1")}).enhanced(0, 1, pattern(20));
    InterfaceNames names;
    const InterfaceId known = names.intern("eth1");
    const MemoryFile memory(file.octets());
    auto opened = CaptureFile::open(memory.path(), names);
    ASSERT_TRUE(opened.ok());
    Frame frame;
    ASSERT_TRUE(opened.value().next(frame));
    EXPECT_EQ(frame.interface, known);
}

TEST(CaptureFilePcapng, NamesEndAtAZeroAndAtASaneLength) {
    const std::string longest(256, 'x');
    FileBytes file;
    file.section()
        .interface(1, 0, {name(std::string_view("eth0\0\0", 6))})
        .interface(1, 0, {name("")})
        .interface(1, 0, {name(longest + "yz")});
    file.enhanced(0, 1, {}).enhanced(1, 1, {}).enhanced(2, 1, {});
    const ReadResult result = read_octets(file);
    ASSERT_EQ(result.packets.size(), 3U);
    EXPECT_EQ(result.packets[0].interface, "eth0");
    EXPECT_EQ(result.packets[1].interface, "");
    EXPECT_EQ(result.packets[2].interface, longest);
}

struct ClockCase {
    const char* name;
    unsigned resolution;
    std::int64_t offset;
    std::uint64_t ticks;
    std::int64_t time_ns;
};

TEST(CaptureFilePcapng, ReadsEveryTimeResolutionAndOffset) {
    constexpr std::int64_t kLatest = std::numeric_limits<std::int64_t>::max();
    constexpr std::int64_t kEarliest = std::numeric_limits<std::int64_t>::min();
    constexpr ClockCase kCases[] = {
        {"seconds", 0, 0, 3, 3 * kSecond},
        {"milliseconds", 3, 0, 1'500, kSecond + kSecond / 2},
        {"nanoseconds", 9, 0, 1'500'000'001, 1'500'000'001},
        {"picoseconds are cut", 12, 0, 1'999, 1},
        {"10^-19", 19, 0, 19'999'999'999, 1},
        {"halves", 0x81, 0, 3, kSecond + kSecond / 2},
        {"2^-10", 0x80 | 10, 0, 1'025, kSecond + 976'562},
        {"2^-32, as NTP", 0x80 | 32, 0, (5ULL << 32U) + (1ULL << 31U), 5 * kSecond + kSecond / 2},
        {"2^-63", 0x80 | 63, 0, 3ULL << 62U, kSecond + kSecond / 2},
        {"offset", 6, 1'000'000'000, 2'000'000, 1'000'000'002 * kSecond},
        {"before 1970", 6, -10, 2'000'000, -8 * kSecond},
        {"offset takes a large time back", 0, -9'000'000'000'000'000'000, 9'000'000'000'000'000'001,
         kSecond},
        {"too late", 0, 0, UINT64_MAX, kLatest},
        {"too late by its offset", 6, kLatest, 1, kLatest},
        {"too early", 6, kEarliest, 1, kEarliest},
    };
    for (const ClockCase& c : kCases) {
        for (const std::endian order : {std::endian::little, std::endian::big}) {
            SCOPED_TRACE(c.name);
            FileBytes file(order);
            file.section().interface(1, 0, {resolution(c.resolution), offset(c.offset, order)});
            file.enhanced(0, c.ticks, pattern(20));
            const ReadResult result = read_octets(file);
            EXPECT_EQ(result.damage, "");
            ASSERT_EQ(result.packets.size(), 1U);
            EXPECT_EQ(result.packets[0].time_ns, c.time_ns);
        }
    }
}

TEST(CaptureFilePcapng, SimplePacketsHaveTheInterfacesTimeZero) {
    FileBytes file;
    file.section().interface(1, 0, {offset(5)}).simple(20, pattern(20));
    const ReadResult result = read_octets(file);
    ASSERT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.packets[0].time_ns, 5 * kSecond);
}

TEST(CaptureFilePcapng, SkipsOtherBlocksAndOptions) {
    FileBytes file;
    file.section().block(0xbad, FileBytes().raw(pattern(400'000)));
    file.interface(1, 0, {{kComment, text("why")}, resolution(9), {0, {}}, {kName, text("no")}});
    file.block(5, FileBytes().raw(pattern(24)));
    FileBytes packet;
    packet.u32(0).u32(0).u32(77).u32(21).u32(21).raw(pattern(21)).pad();
    packet.u16(kComment).u16(5).raw(text("hello")).pad().u16(0).u16(0);
    file.block(6, packet).block(0x80000001, FileBytes()).block(4, FileBytes().raw(pattern(8)));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.packets[0], (ReadPacket{77, 21, 1, "", pattern(21)}));
}

TEST(CaptureFilePcapng, PacketsLongerThanABlockReadMakeRoom) {
    constexpr std::size_t kLongest = 16 * 1024 * 1024 - 32;
    FileBytes file;
    file.section().interface(1, 0).enhanced(0, 1, pattern(300'000, 1));
    file.enhanced(0, 2, pattern(kLongest, 2)).enhanced(0, 3, pattern(20, 3));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), 3U);
    EXPECT_TRUE(result.packets[0].bytes == pattern(300'000, 1));
    EXPECT_TRUE(result.packets[1].bytes == pattern(kLongest, 2));
    EXPECT_EQ(result.packets[2].bytes, pattern(20, 3));
}

TEST(CaptureFilePcapng, FramesStraddleBlockEnds) {
    FileBytes file(std::endian::big);
    file.section().interface(1, 0);
    constexpr std::size_t kPackets = 2'000;
    for (std::size_t i = 0; i < kPackets; ++i) {
        file.enhanced(0, i, pattern((i * 37) % 1'600, i));
        if (i % 7 == 0) {
            file.block(0x0bad, FileBytes(std::endian::big).raw(pattern(i)));
        }
    }
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.damage, "");
    ASSERT_EQ(result.packets.size(), kPackets);
    for (std::size_t i = 0; i < kPackets; ++i) {
        ASSERT_EQ(result.packets[i].bytes, pattern((i * 37) % 1'600, i)) << "packet " << i;
    }
}

TEST(CaptureFilePcapng, AFileWithoutInterfacesOrPacketsEndsCleanly) {
    for (const FileBytes& file :
         {FileBytes().section(), FileBytes().section().section().interface(1, 0)}) {
        const ReadResult result = read_octets(file);
        EXPECT_EQ(result.error, "");
        EXPECT_EQ(result.damage, "");
        EXPECT_TRUE(result.packets.empty());
    }
}

// Neither does libpcap.
TEST(CaptureFilePcapng, DoesNotLookAtTheSecondLengthOfTheFirstBlock) {
    FileBytes start;
    start.section();
    Octets octets = start.octets();
    octets[octets.size() - 4] ^= 0xff;
    FileBytes file;
    file.raw(octets).interface(1, 0).enhanced(0, 1, pattern(20));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.error, "");
    EXPECT_EQ(result.damage, "");
    EXPECT_EQ(result.packets.size(), 1U);
}

// A damaged file of nothing but descriptions must neither fill the memory nor take for ever.
TEST(CaptureFilePcapng, DescribesOnlySoManyInterfaces) {
    FileBytes file;
    file.section();
    for (std::size_t i = 0; i < 65'536; ++i) {
        file.interface(1, 0, {name("if" + std::to_string(i))});
    }
    file.enhanced(65'534, 1, pattern(20)).enhanced(65'535, 2, pattern(20));
    const std::size_t damaged_at = file.size();
    file.interface(1, 0).enhanced(0, 2, pattern(20));
    const ReadResult result = read_octets(file);
    ASSERT_EQ(result.packets.size(), 2U);
    EXPECT_EQ(result.packets[0].interface, "if65534");
    EXPECT_EQ(result.packets[1].interface, "");  // all 65,535 names are taken
    EXPECT_NE(result.damage.find("the block at byte " + std::to_string(damaged_at) +
                                 " describes one interface more than 65536;"),
              std::string::npos)
        << result.damage;
}

}  // namespace
}  // namespace tcpeek::testing
