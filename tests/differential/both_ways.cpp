// Every frame of all captures below a folder through the dissector's short way and through its
// layers, whole and cut at every length up to 128 octets: both must say the same.
// Usage: both_ways FOLDER
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>

#include "capture/capture_file.h"
#include "dissect/dissect.h"

namespace tcpeek {
namespace {

constexpr std::size_t kLongestCut = 128;

struct Totals {
    std::uint64_t files = 0;
    std::uint64_t frames = 0;
    std::uint64_t comparisons = 0;
    std::uint64_t different = 0;
};

void compare(const Frame& frame, Totals& totals) {
    Dissected short_way;
    Dissected in_layers;
    dissect(frame, {}, short_way);
    dissect_in_layers(frame, {}, in_layers);
    ++totals.comparisons;
    totals.different += short_way == in_layers ? 0U : 1U;
}

void compare_file(const std::filesystem::path& path, Totals& totals) {
    InterfaceNames names;
    auto opened = CaptureFile::open(path.string(), names);
    if (!opened) {
        return;
    }
    ++totals.files;
    const std::uint64_t different = totals.different;
    CaptureFile file = std::move(opened).value();
    Frame frame;
    while (file.next(frame)) {
        ++totals.frames;
        compare(frame, totals);
        const Bytes whole = frame.bytes;
        for (std::size_t length = 0; length < std::min(whole.size(), kLongestCut); ++length) {
            frame.bytes = whole.first(length);
            compare(frame, totals);
        }
    }
    if (totals.different > different) {
        fmt::print("{}: {} different\n", path.string(), totals.different - different);
    }
}

}  // namespace
}  // namespace tcpeek

int main(int argc, char** argv) {
    constexpr int kSkipped = 77;
    if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
        fmt::print("SKIP: no folder of captures is here\n");
        return kSkipped;
    }
    tcpeek::Totals totals;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(argv[1])) {
        if (entry.is_regular_file()) {
            tcpeek::compare_file(entry.path(), totals);
        }
    }
    fmt::print("{} files, {} frames, {} comparisons, {} different\n", totals.files, totals.frames,
               totals.comparisons, totals.different);
    return totals.different == 0 && totals.frames > 0 ? 0 : 1;
}
