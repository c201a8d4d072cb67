#include "app/live_options.h"

namespace tcpeek {
namespace {

// Headers with several tags, extension headers and tunnels fit; more would only cost copying.
constexpr std::uint32_t kHeaderSnapshot = 384;
// A TCP checksum covers the payload.
constexpr std::uint32_t kWholePacketSnapshot = 65'535;

CaptureEngine engine_of(CaptureChoice choice) {
    switch (choice) {
        case CaptureChoice::automatic:
            return CaptureEngine::automatic;
        case CaptureChoice::tcx:
            return CaptureEngine::tcx;
        case CaptureChoice::socket:
            return CaptureEngine::socket;
    }
    TCPEEK_UNREACHABLE("capture choice out of range");
}

}  // namespace

LiveOptions live_options(const Config& config) {
    LiveOptions options;
    options.interfaces = config.interfaces;
    options.promiscuous = config.promiscuous;
    options.buffer_megabytes = config.buffer_megabytes;
    options.wait = config.wait;
    options.icmp = config.icmp;
    options.judges_all = config.checksum_mode == 0;
    options.engine = engine_of(config.capture);
    options.filter_connections = config.filter_entries;
    options.snapshot_length = config.checksum_mode == 2 ? kWholePacketSnapshot : kHeaderSnapshot;
    return options;
}

}  // namespace tcpeek
