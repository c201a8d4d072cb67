// Requires that CaptureFile sees the packets that libpcap sees: in every file below a folder, and
// in generated files of every form, whole, cut at every byte and with every byte changed.
//
// libpcap_oracle FOLDER: exit 0 when all agree, 1 when not, 77 when there is no such folder (and
// the generated files agree).

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../unit/capture_file_support.h"
#include "oracle_compare.h"

namespace tcpeek::oracle {
namespace {

using testing::FileBytes;
using testing::Octets;
using testing::pattern;

constexpr int kSkipped = 77;
constexpr std::size_t kShownDifferences = 20;

struct Totals {
    std::size_t files = 0;
    std::size_t packets = 0;
    std::size_t differences = 0;
    std::array<std::size_t, kFaultCount> faults{};
    std::size_t libpcap_stops = 0;
    std::size_t further = 0;
    std::size_t neither = 0;
};

void count(Totals& totals, const std::string& name, const Comparison& comparison) {
    ++totals.files;
    totals.packets += comparison.packets;
    for (std::size_t i = 0; i < kFaultCount; ++i) {
        totals.faults[i] += comparison.faults[i];
    }
    switch (comparison.agreement) {
        case Agreement::same:
            break;
        case Agreement::libpcap_stops:
            ++totals.libpcap_stops;
            totals.further += comparison.further;
            break;
        case Agreement::neither_reads:
            ++totals.neither;
            break;
        case Agreement::different:
            if (++totals.differences <= kShownDifferences) {
                fmt::print("DIFFERENT {}: {} (libpcap: {}; CaptureFile: {})\n", name,
                           comparison.difference, comparison.libpcap_says,
                           comparison.capture_file_says);
            }
            break;
    }
}

void report(const char* what, const Totals& totals) {
    fmt::print("{}: {} files, {} packets, {} differences\n", what, totals.files, totals.packets,
               totals.differences);
    fmt::print("  {} files that libpcap does not read to their end hold {} packets more\n",
               totals.libpcap_stops, totals.further);
    fmt::print("  {} files that neither reads\n", totals.neither);
    for (std::size_t i = 0; i < kFaultCount; ++i) {
        if (totals.faults[i] != 0) {
            fmt::print("  {} packets excused: {}\n", totals.faults[i],
                       reason_of(static_cast<Fault>(i)));
        }
    }
}

// What CaptureFile says of the file, without its name.
std::string verdict(const Comparison& comparison, const std::string& path) {
    const std::string& says = comparison.capture_file_says;
    if (says.empty()) {
        return "reads it to a clean end";
    }
    return says.starts_with(path + " ") ? says.substr(path.size() + 1) : says;
}

Totals compare_folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
        const auto kind = entry.path().extension();
        if (entry.is_regular_file() && kind != ".jsonl" && kind != ".md") {
            files.push_back(entry.path());
        }
    }
    std::sort(files.begin(), files.end());
    Totals totals;
    for (const auto& file : files) {
        const Comparison comparison = compare(file.string());
        const std::string name = std::filesystem::relative(file, folder).string();
        count(totals, name, comparison);
        if (!comparison.libpcap_says.empty()) {
            fmt::print("{}: {} packets, then libpcap: {}; CaptureFile: {} more, {}\n", name,
                       comparison.packets, comparison.libpcap_says, comparison.further,
                       verdict(comparison, file.string()));
        }
    }
    return totals;
}

FileBytes generated_pcap(std::endian order, std::uint32_t magic, std::uint16_t major,
                         std::uint16_t minor, std::uint32_t snapshot_length) {
    FileBytes file(order);
    file.pcap_header({.magic = magic,
                      .major = major,
                      .minor = minor,
                      .snapshot_length = snapshot_length,
                      .link_type = 0xf4000001});
    const bool original_first = minor < 3;
    for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t captured = 20 + 10 * i;
        const std::size_t original = 60;
        file.u32(1'700'000'000 + i).u32(999'999 + i);
        file.u32(original_first ? original : captured).u32(original_first ? captured : original);
        file.raw(pattern(magic == 0xa1b2cd34 ? 8 : 0)).raw(pattern(captured, i));
    }
    return file;
}

struct Clock {
    std::uint8_t resolution;  // as in if_tsresol
    std::uint64_t ticks;      // a time of this century
};

FileBytes generated_pcapng(std::endian order, const Clock& clock, std::uint32_t snapshot) {
    FileBytes file(order);
    file.section();
    const Octets offset = file.body().u64(static_cast<std::uint64_t>(-3'600)).octets();
    file.interface(1, snapshot, {{2, testing::text("eth0")}, {9, {clock.resolution}}, {0, {}}});
    file.interface(1, snapshot, {{1, testing::text("why")}, {14, offset}});
    file.enhanced(0, clock.ticks, pattern(33, 1), 90);
    file.block(0xbad, file.body().raw(pattern(9)));
    file.enhanced(1, 1'700'000'000'123'456, pattern(40, 2)).simple(90, pattern(40, 3));
    file.section(1, 0).interface(1, snapshot).old_packet(0, 77, pattern(21, 4));
    return file;
}

std::vector<FileBytes> generated_files() {
    constexpr std::pair<std::uint16_t, std::uint16_t> kVersions[] = {
        {2, 4}, {2, 3}, {2, 2}, {543, 0}};
    constexpr Clock kClocks[] = {
        {9, 1'700'000'000'123'456'789},
        {6, 1'700'000'000'123'456},
        {3, 1'700'000'000'123},
        {0, 1'700'000'000},
        {10, 17'000'000'001'234'567'899U},
        {19, 17'000'000'001'234'567'899U},
        {0x81, 3'400'000'001},
        {0x80 | 20, 1'700'000'000ULL << 20U | 123'456},
        {0x80 | 33, 1'700'000'000ULL << 33U | 123'456},
    };
    std::vector<FileBytes> files;
    for (const std::endian order : {std::endian::little, std::endian::big}) {
        for (const std::uint32_t magic : {0xa1b2c3d4, 0xa1b23c4d, 0xa1b2cd34}) {
            for (const auto& [major, minor] : kVersions) {
                files.push_back(generated_pcap(order, magic, major, minor, 65'535));
            }
            files.push_back(generated_pcap(order, magic, 2, 4, 25));
            files.push_back(generated_pcap(order, magic, 2, 4, 0));
        }
        for (const Clock& clock : kClocks) {
            files.push_back(generated_pcapng(order, clock, 40));
        }
        files.push_back(generated_pcapng(order, kClocks[0], 0));
    }
    return files;
}

void compare_octets(Totals& totals, const std::string& name, const Octets& octets) {
    const testing::MemoryFile memory(octets);
    count(totals, name, compare(memory.path()));
}

void compare_changes(Totals& totals, const std::string& name, const Octets& original) {
    for (std::size_t at = 0; at < original.size(); ++at) {
        Octets changed = original;
        for (const unsigned change :
             {0x01U, 0x02U, 0x04U, 0x08U, 0x10U, 0x20U, 0x40U, 0x80U, 0xffU}) {
            changed[at] = static_cast<std::uint8_t>(original[at] ^ change);
            compare_octets(totals, fmt::format("{}, byte {} ^ {:#x}", name, at, change), changed);
        }
        const auto end = original.begin() + static_cast<std::ptrdiff_t>(at);
        compare_octets(totals, fmt::format("{}, cut at {}", name, at),
                       Octets(original.begin(), end));
    }
}

Totals compare_generated() {
    Totals totals;
    const std::vector<FileBytes> files = generated_files();
    for (std::size_t i = 0; i < files.size(); ++i) {
        const std::string name = fmt::format("generated file {}", i);
        compare_octets(totals, name, files[i].octets());
        compare_changes(totals, name, files[i].octets());
    }
    return totals;
}

int run(const std::filesystem::path& folder) {
    const Totals generated = compare_generated();
    report("generated", generated);
    if (generated.differences != 0) {
        return 1;
    }
    if (!std::filesystem::is_directory(folder)) {
        fmt::print("SKIP: there is no folder of captures at {}\n", folder.string());
        return kSkipped;
    }
    const Totals captures = compare_folder(folder);
    report("captures", captures);
    return captures.differences == 0 ? 0 : 1;
}

}  // namespace
}  // namespace tcpeek::oracle

int main(int argc, char** argv) {
    if (argc != 2) {
        fmt::print(stderr, "usage: libpcap_oracle FOLDER\n");
        return 2;
    }
    return tcpeek::oracle::run(argv[1]);
}
