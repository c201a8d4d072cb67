#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "capture/file_input.h"
#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

struct CutFile {
    FileBytes file = FileBytes();
    std::size_t header_size = 0;
    std::vector<std::size_t> starts;   // of what follows the header, and the file's end
    std::vector<std::size_t> packets;  // complete up to each of these
    const char* unit = "";
};

CutFile pcap_to_cut(std::uint32_t magic) {
    CutFile cut;
    cut.unit = "packet record";
    cut.file.pcap_header({.magic = magic});
    cut.header_size = cut.file.size();
    for (std::size_t i = 0; i < 3; ++i) {
        cut.starts.push_back(cut.file.size());
        cut.packets.push_back(i);
        cut.file.u32(1).u32(0).u32(20 + i).u32(20 + i);
        cut.file.raw(pattern(magic == 0xa1b2cd34 ? 8 : 0)).raw(pattern(20 + i, i));
    }
    cut.starts.push_back(cut.file.size());
    cut.packets.push_back(3);
    return cut;
}

CutFile pcapng_to_cut(std::endian order) {
    CutFile cut;
    cut.file = FileBytes(order);
    cut.unit = "block";
    std::size_t packets = 0;
    const auto begin = [&] {
        cut.starts.push_back(cut.file.size());
        cut.packets.push_back(packets);
    };
    cut.file.section();
    cut.header_size = cut.file.size();
    begin();
    cut.file.interface(1, 40, {{2, text("eth0")}});
    begin();
    cut.file.enhanced(0, 1, pattern(21));
    ++packets;
    begin();
    cut.file.block(0xbad, cut.file.body().raw(pattern(40)));
    begin();
    cut.file.simple(60, pattern(40));
    ++packets;
    begin();
    cut.file.section();
    begin();
    cut.file.interface(1, 0);
    begin();
    cut.file.old_packet(0, 1, pattern(22));
    ++packets;
    begin();
    return cut;
}

// All whole packets come first, then the sentence; nothing is said of a cut between records.
void check_cut_at(const CutFile& cut, std::size_t size) {
    Octets octets = cut.file.octets();
    octets.resize(size);
    const ReadResult result = read_octets(octets);
    std::size_t unit = 0;
    while (unit + 1 < cut.starts.size() && cut.starts[unit + 1] <= size) {
        ++unit;
    }
    ASSERT_EQ(result.error, "");
    EXPECT_EQ(result.packets.size(), cut.packets[unit]);
    if (cut.starts[unit] == size) {
        EXPECT_EQ(result.damage, "");
        return;
    }
    EXPECT_NE(
        result.damage.find(" ends at byte " + std::to_string(size) + " in the middle of the " +
                           cut.unit + " that begins at byte " + std::to_string(cut.starts[unit]) +
                           "; the packets before it were read"),
        std::string::npos)
        << result.damage;
}

TEST(CaptureFileDamage, CutAtEveryByte) {
    const CutFile files[] = {pcap_to_cut(0xa1b2c3d4), pcap_to_cut(0xa1b2cd34),
                             pcapng_to_cut(std::endian::little), pcapng_to_cut(std::endian::big)};
    for (const CutFile& cut : files) {
        for (std::size_t size = cut.header_size; size <= cut.file.size(); ++size) {
            SCOPED_TRACE(std::string(cut.unit) + " file of " + std::to_string(size) + " bytes");
            check_cut_at(cut, size);
        }
    }
}

TEST(CaptureFileDamage, CutInTheFileHeader) {
    const CutFile files[] = {pcap_to_cut(0xa1b2c3d4), pcapng_to_cut(std::endian::big)};
    for (const CutFile& cut : files) {
        for (std::size_t size = 12; size < cut.header_size; ++size) {
            Octets octets = cut.file.octets();
            octets.resize(size);
            const ReadResult result = read_octets(octets);
            EXPECT_NE(result.error.find(" ends at byte " + std::to_string(size) +
                                        " in the middle of its file header; copy or capture it"),
                      std::string::npos)
                << result.error;
        }
    }
}

struct Flaw {
    const char* name;
    std::function<void(FileBytes&)> write;  // behind a section, interface 0 and one good packet
    const char* sentence;
};

const std::vector<Flaw> kFlaws{
    {"shorter than a block", [](FileBytes& f) { f.u32(6).u32(8).u32(8); },
     "claims a length of 8 bytes, less than 12"},
    {"length 0", [](FileBytes& f) { f.u32(6).u32(0).u32(0); },
     "claims a length of 0 bytes, less than 12"},
    {"odd length", [](FileBytes& f) { f.u32(5).u32(13).raw(pattern(5)); },
     "claims a length of 13 bytes, not a multiple of 4"},
    {"lengths differ", [](FileBytes& f) { f.u32(1).u32(20).u32(1).u32(0).u32(24); },
     "claims a length of 20 bytes at its start and of 24 at its end"},
    {"lengths of a skipped block differ", [](FileBytes& f) { f.u32(5).u32(16).u32(1).u32(12); },
     "claims a length of 16 bytes at its start and of 12 at its end"},
    {"huge packet block", [](FileBytes& f) { f.u32(6).u32(16 * 1024 * 1024 + 4).raw(pattern(40)); },
     "claims a length of 16777220 bytes, more than 16777216"},
    {"packet longer than its block",
     [](FileBytes& f) { f.block(6, f.body().u32(0).u64(0).u32(25).u32(25).raw(pattern(24))); },
     "is too short with 56 bytes for the packet that it claims to hold"},
    {"packet of 2^32 - 1 octets",
     [](FileBytes& f) { f.block(6, f.body().u32(0).u64(0).u32(UINT32_MAX).u32(25)); },
     "is too short with 32 bytes for the packet that it claims to hold"},
    {"no room for a packet's fields", [](FileBytes& f) { f.block(6, f.body().u64(0).u64(0)); },
     "is too short with 28 bytes for the packet that it claims to hold"},
    {"no room for an old packet's fields", [](FileBytes& f) { f.block(2, f.body().u64(0).u64(0)); },
     "is too short with 28 bytes for the packet that it claims to hold"},
    {"no room for a simple packet's field", [](FileBytes& f) { f.block(3, f.body()); },
     "is too short with 12 bytes for the packet that it claims to hold"},
    {"simple packet shorter than stated", [](FileBytes& f) { f.simple(60, pattern(20)); },
     "is too short with 36 bytes for the packet that it claims to hold"},
    {"unknown interface", [](FileBytes& f) { f.enhanced(1, 0, pattern(20)); },
     "holds a packet of interface 1, and its section describes 1"},
    {"interface of the section before",
     [](FileBytes& f) { f.section().old_packet(0, 0, pattern(20)); },
     "holds a packet of interface 0, and its section describes 0"},
    {"simple packet without interface", [](FileBytes& f) { f.section().simple(20, pattern(20)); },
     "holds a packet of interface 0, and its section describes 0"},
    {"no room for an interface", [](FileBytes& f) { f.block(1, f.body().u32(1)); },
     "is too short to describe an interface"},
    {"option beyond its block",
     [](FileBytes& f) { f.block(1, f.body().u64(1).u16(2).u16(5).u32(0)); },
     "describes an interface with an option that is longer than the block"},
    {"resolution of two octets",
     [](FileBytes& f) {
         f.interface(1, 0, {{9, {6, 6}}});
     },
     "describes an interface whose time resolution is stated twice or wrongly"},
    {"two resolutions",
     [](FileBytes& f) {
         f.interface(1, 0, {{9, {6}}, {9, {9}}});
     },
     "describes an interface whose time resolution is stated twice or wrongly"},
    {"offset of four octets",
     [](FileBytes& f) {
         f.interface(1, 0, {{14, {0, 0, 0, 1}}});
     },
     "describes an interface whose time offset is stated twice or wrongly"},
    {"decimal resolution beyond 64 bits",
     [](FileBytes& f) {
         f.interface(1, 0, {{9, {20}}});
     },
     "describes an interface with the unusable time resolution 0x14"},
    {"binary resolution beyond 64 bits",
     [](FileBytes& f) {
         f.interface(1, 0, {{9, {0xc0}}});
     },
     "describes an interface with the unusable time resolution 0xc0"},
    {"section without byte order",
     [](FileBytes& f) { f.block(0x0a0d0d0a, f.body().u64(0).u64(0)); },
     "begins a section without a byte-order magic number"},
    {"section of a new version", [](FileBytes& f) { f.section(2, 1); },
     "begins a section of pcapng version 2.1, and tcpeek reads 1.x"},
    {"section header too short",
     [](FileBytes& f) { f.block(0x0a0d0d0a, f.body().u32(0x1a2b3c4d).u64(1)); },
     "claims a length of 24 bytes, less than 28"},
};

// The last block that was begun before the flaw was found.
std::size_t last_block(const FileBytes& before, const FileBytes& file, const Flaw& flaw) {
    const bool second = std::string_view(flaw.sentence).ends_with("describes 0");
    return second ? before.size() + 28 : std::min(before.size(), file.size());
}

TEST(CaptureFileDamage, SaysWhatIsWrongWithABlockAndWhere) {
    for (const Flaw& flaw : kFlaws) {
        for (const std::endian order : {std::endian::little, std::endian::big}) {
            SCOPED_TRACE(flaw.name);
            FileBytes file(order);
            file.section().interface(1, 0, {{2, text("eth0")}}).enhanced(0, 1, pattern(33));
            const FileBytes before = file;
            flaw.write(file);
            file.raw(pattern(12)).pad();
            const ReadResult result = read_octets(file);
            EXPECT_EQ(result.error, "");
            EXPECT_EQ(result.packets.size(), 1U);
            const std::string sentence = " is damaged: the block at byte " +
                                         std::to_string(last_block(before, file, flaw)) + " " +
                                         flaw.sentence + "; the packets before it were read";
            EXPECT_NE(result.damage.find(sentence), std::string::npos) << result.damage;
        }
    }
}

TEST(CaptureFileDamage, AFirstSectionThatIsNotReadIsAnErrorOfOpen) {
    const ReadResult result = read_octets(FileBytes().section(2, 0).interface(1, 0));
    EXPECT_NE(result.error.find(" is damaged: the block at byte 0 begins a section of pcapng "
                                "version 2.0, and tcpeek reads 1.x; copy or capture it again"),
              std::string::npos)
        << result.error;
}

TEST(CaptureFileDamage, ASkippedBlockThatClaimsFourGigabytes) {
    FileBytes file;
    file.section().interface(1, 0).enhanced(0, 1, pattern(20));
    const std::size_t start = file.size();
    file.u32(0xbad).u32(0xfffffffc).raw(pattern(500'000));
    const ReadResult result = read_octets(file);
    EXPECT_EQ(result.packets.size(), 1U);
    EXPECT_NE(result.damage.find(" ends at byte " + std::to_string(file.size()) +
                                 " in the middle of the block that begins at byte " +
                                 std::to_string(start)),
              std::string::npos)
        << result.damage;
}

TEST(CaptureFileDamage, MemoryFollowsTheBytesAndNotTheClaims) {
    const MemoryFile memory(pattern(1'000));
    FileInput small(UniqueFd(::open(memory.path().c_str(), O_RDONLY)), -1);
    EXPECT_FALSE(small.need(16 * 1024 * 1024));
    EXPECT_EQ(small.capacity(), FileInput::kBlockSize);
    EXPECT_EQ(small.bytes().size(), 1'000U);

    const MemoryFile larger(pattern(3 * FileInput::kBlockSize));
    FileInput grown(UniqueFd(::open(larger.path().c_str(), O_RDONLY)), -1);
    EXPECT_FALSE(grown.need(16 * 1024 * 1024));
    EXPECT_LE(grown.capacity(), 4 * FileInput::kBlockSize);
}

}  // namespace
}  // namespace tcpeek::testing
