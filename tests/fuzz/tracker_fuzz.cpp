// Plausible handshakes from bytes: each four octets are one segment of a few connections, its
// numbers near those of the connection. Whatever comes, limits hold and every attempt ends once.
#include <array>
#include <cstddef>
#include <cstdint>

#include "handshake/tracker.h"

namespace tcpeek {
namespace {

constexpr std::uint32_t kMaxSessions = 3;

class EveryAttempt final : public Classifier {
  public:
    std::optional<MatchId> classify(const Endpoint&, const Endpoint&) override { return MatchId{}; }
};

class Counter final : public VerdictSink {
  public:
    void on_record(const SessionRecord& record) override {
        TCPEEK_ASSERT(record.elapsed >= Duration{});
        ++records;
    }
    void on_event(const SessionEvent&) override { ++events; }
    void on_evicted(MatchId) override { ++evicted; }

    std::uint64_t records = 0;
    std::uint64_t events = 0;
    std::uint64_t evicted = 0;
};

Segment segment_from(const std::uint8_t* octets) {
    static constexpr std::array<std::uint8_t, 8> kFlags{0x02, 0x12, 0x10, 0x18,
                                                        0x11, 0x04, 0x14, 0x00};
    static constexpr std::array<std::uint8_t, 4> kClient{192, 0, 2, 1};
    static constexpr std::array<std::uint8_t, 4> kServer{192, 0, 2, 2};
    const Endpoint client{IpAddress::v4(kClient), static_cast<std::uint16_t>(1 + octets[0] % 4U)};
    const Endpoint server{IpAddress::v4(kServer), 80};
    const bool from_client = (octets[0] & 0x80U) != 0;
    Segment segment;
    segment.source = from_client ? client : server;
    segment.destination = from_client ? server : client;
    segment.flags = {kFlags[octets[1] % kFlags.size()]};
    segment.seq = {(from_client ? 0xfffffffeU : 5'000U) +
                   octets[2] % 8U * (octets[2] & 0x80U ? 30'000U : 1U)};
    segment.ack = {(from_client ? 5'000U : 0xfffffffeU) + octets[2] / 8U % 8U};
    segment.payload_length = octets[1] / 8U % 4U * 7U;
    segment.has_timestamps = (octets[1] & 0x80U) != 0;
    segment.timestamps = {octets[3], octets[2]};
    return segment;
}

void run(const std::uint8_t* data, std::size_t size) {
    EveryAttempt classifier;
    Counter sink;
    Tracker tracker({.timeout = Duration::seconds(5), .max_sessions = kMaxSessions, .seed = 1},
                    classifier, sink);
    Timestamp now;
    for (std::size_t i = 0; i + 4 <= size; i += 4) {
        const std::uint8_t step = data[i + 3];
        now = now + (step > 250 ? Duration::seconds(step == 255 ? -7 : 6)
                                : Duration::microseconds(step * 37));
        const Segment segment = segment_from(data + i);
        if (data[i] % 64 == 63) {
            IcmpError error;
            error.quoted_source = segment.source;
            error.quoted_destination = segment.destination;
            error.quoted_seq = segment.seq;
            error.destination = segment.source.address;
            error.reporter = segment.destination.address;
            tracker.on_icmp(error, now);
        } else {
            tracker.on_segment(segment, now, InterfaceId::none());
        }
        TCPEEK_ASSERT(tracker.pending() <= kMaxSessions);
        TCPEEK_ASSERT(tracker.remembered() <= 2 * kMaxSessions);
    }
    const std::uint64_t pending = tracker.pending();
    const std::uint64_t before = sink.records;
    tracker.finish();
    TCPEEK_ASSERT(sink.records == before + pending);
    TCPEEK_ASSERT(tracker.counters().evicted == sink.evicted);
}

}  // namespace
}  // namespace tcpeek

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    tcpeek::run(data, size);
    return 0;
}
