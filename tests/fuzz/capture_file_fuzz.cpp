// Any bytes as a capture file, through the same calls as a user's file: once as a file, once as a
// pipe. Both must give the same packets and the same damage, and never more octets than came in.

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "../unit/capture_file_support.h"
#include "base/assert.h"

namespace {

using tcpeek::UniqueFd;
using tcpeek::testing::MemoryFile;
using tcpeek::testing::Octets;
using tcpeek::testing::read_path;
using tcpeek::testing::ReadResult;

// What a pipe takes without a reader.
constexpr std::size_t kPipeCapacity = 65'536;

ReadResult read_through_pipe(const Octets& octets) {
    std::array<int, 2> ends{-1, -1};
    TCPEEK_ASSERT(::pipe2(ends.data(), O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const auto written = octets.empty() ? 0 : ::write(ends[1], octets.data(), octets.size());
    TCPEEK_ASSERT(written == static_cast<ssize_t>(octets.size()));
    writing.reset();
    return read_path("/proc/self/fd/" + std::to_string(reading.get()));
}

// A message without the file's name, which differs.
std::string without_name(const std::string& message) {
    const std::size_t space = message.find(' ');
    return space == std::string::npos ? message : message.substr(space);
}

void check_sizes(const ReadResult& result, std::size_t size) {
    std::size_t total = 0;
    for (const auto& packet : result.packets) {
        total += packet.bytes.size();
    }
    TCPEEK_ASSERT(total <= size);
    TCPEEK_ASSERT(result.error.empty() || (result.packets.empty() && result.damage.empty()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Octets octets(data, data + size);
    const MemoryFile file(octets);
    const ReadResult from_file = read_path(file.path());
    check_sizes(from_file, size);
    if (size > kPipeCapacity) {
        return 0;
    }
    const ReadResult from_pipe = read_through_pipe(octets);
    TCPEEK_ASSERT(from_file.packets == from_pipe.packets);
    TCPEEK_ASSERT(from_file.error.empty() == from_pipe.error.empty());
    TCPEEK_ASSERT(without_name(from_file.damage) == without_name(from_pipe.damage));
    return 0;
}
