#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "handshake/tracker.h"
#include "handshake_support.h"

namespace tcpeek {
namespace {

class EveryAttempt final : public Classifier {
  public:
    std::optional<MatchId> classify(const Endpoint&, const Endpoint&) override { return MatchId{}; }
};

class Collector final : public VerdictSink {
  public:
    void on_record(const SessionRecord& record) override { records.push_back(record); }
    void on_event(const SessionEvent&) override { ++events; }
    void on_evicted(MatchId) override { ++evicted; }

    std::vector<SessionRecord> records;
    std::uint64_t events = 0;
    std::uint64_t evicted = 0;
};

constexpr Duration kTimeout = Duration::seconds(60);

class TrackerLimits : public testing::Test {
  protected:
    explicit TrackerLimits(std::uint32_t max_sessions = 10)
        : tracker({.timeout = kTimeout, .max_sessions = max_sessions, .seed = 7}, classifier,
                  sink) {}

    static Endpoint host(std::uint8_t last, std::uint16_t port) {
        const std::uint8_t octets[4] = {192, 0, 2, last};
        return {IpAddress::v4(octets), port};
    }
    Segment from_client(std::uint16_t port, std::uint8_t flags, std::uint32_t seq,
                        std::uint32_t ack = 0) {
        return segment(host(1, port), host(2, 80), flags, seq, ack);
    }
    Segment from_server(std::uint16_t port, std::uint8_t flags, std::uint32_t seq,
                        std::uint32_t ack = 0) {
        return segment(host(2, 80), host(1, port), flags, seq, ack);
    }
    Segment segment(const Endpoint& source, const Endpoint& destination, std::uint8_t flags,
                    std::uint32_t seq, std::uint32_t ack) {
        Segment result = segment_between(source, destination, flags, seq, ack);
        result.has_ip_id = true;
        result.ip_id = ++ip_id;
        return result;
    }
    void send(const Segment& segment, std::int64_t milliseconds) {
        tracker.on_segment(segment, Timestamp{} + Duration::milliseconds(milliseconds),
                           InterfaceId::none());
    }

    EveryAttempt classifier;
    Collector sink;
    Tracker tracker;
    std::uint16_t ip_id = 0;
};

constexpr std::uint8_t kSyn = TcpFlags::kSyn;
constexpr std::uint8_t kAck = TcpFlags::kAck;
constexpr std::uint8_t kRst = TcpFlags::kRst;

TEST_F(TrackerLimits, TheLongestWaitingPendingAttemptGoesAboveTheLimit) {
    for (std::uint16_t port = 1; port <= 10; ++port) {
        send(from_client(port, kSyn, port), port);
    }
    send(from_client(1, kSyn, 1), 20);  // a retransmission: the first one waits the shortest now
    send(from_client(11, kSyn, 11), 21);
    EXPECT_EQ(tracker.pending(), 10U);
    EXPECT_EQ(sink.evicted, 1U);
    EXPECT_EQ(tracker.counters().evicted, 1U);
    EXPECT_TRUE(sink.records.empty()) << "an evicted attempt has no record";
    tracker.finish();
    ASSERT_EQ(sink.records.size(), 10U);
    EXPECT_EQ(sink.records[0].client.port, 1);
    EXPECT_EQ(sink.records[1].client.port, 3) << "the second one was evicted";
}

TEST_F(TrackerLimits, RememberedOnesGoSilently) {
    for (std::uint16_t port = 1; port <= 25; ++port) {
        send(from_client(port, kSyn, 100), port * 10);
        send(from_server(port, kRst | kAck, 0, 101), port * 10 + 1);
    }
    EXPECT_EQ(sink.records.size(), 25U);
    EXPECT_EQ(tracker.remembered(), 10U);
    EXPECT_EQ(tracker.counters().evicted, 0U);
    // Forgotten: the same ISN is a new session. Remembered: it is not.
    send(from_client(1, kSyn, 100), 300);
    EXPECT_EQ(tracker.pending(), 1U);
    send(from_client(25, kSyn, 100), 301);
    EXPECT_EQ(tracker.pending(), 1U);
}

TEST_F(TrackerLimits, OnePairOfEndpointsIsRememberedAFewTimesOnly) {
    for (std::uint32_t isn = 0; isn < 1'000; ++isn) {
        send(from_client(1, kSyn, isn * 100'000), isn);
    }
    EXPECT_EQ(sink.records.size(), 999U);
    EXPECT_LE(tracker.remembered(), 9U);
    EXPECT_EQ(tracker.pending(), 1U);
}

TEST_F(TrackerLimits, AForwardStepOfTheWallClockIsNoTimeForAttempts) {
    send(from_client(1, kSyn, 1), 0);
    tracker.absorb_forward_step(Duration::seconds(3'600));
    send(from_server(1, kSyn | kAck, 500, 2), 3'600'010);
    send(from_client(1, kAck, 2, 501), 3'600'020);
    ASSERT_EQ(sink.records.size(), 1U);
    EXPECT_EQ(sink.records[0].cause, Cause::established);
    EXPECT_EQ(sink.records[0].elapsed, Duration::milliseconds(20));
}

TEST_F(TrackerLimits, SynacksWithoutASynAreHeldInABoundedNumber) {
    for (std::uint32_t i = 0; i < 5'000; ++i) {
        send(from_server(static_cast<std::uint16_t>(i + 1), kSyn | kAck, i, i), 0);
    }
    EXPECT_EQ(tracker.counters().orphan_synacks, 5'000U - HeldSynacks::kCapacity);
    tracker.advance(Timestamp{} + Duration::milliseconds(10));
    EXPECT_EQ(tracker.counters().orphan_synacks, 5'000U);
}

class TrackerInvariants : public TrackerLimits {
  protected:
    TrackerInvariants() : TrackerLimits(40) {}
};

// Every attempt that starts ends exactly once, whatever comes in whatever order.
TEST_F(TrackerInvariants, AttemptsAddUpUnderRandomPackets) {
    std::mt19937 random(42);
    std::int64_t now = 0;
    const auto pick = [&](std::uint32_t count) {
        return static_cast<std::uint32_t>(random() % count);
    };
    for (int i = 0; i < 300'000; ++i) {
        now += pick(1'000) == 0 ? 70'000 : pick(200);
        const auto port = static_cast<std::uint16_t>(1 + pick(60));
        const std::uint32_t client = 1'000 + 200'000 * pick(3) + pick(3);
        const std::uint32_t server = 5'000 + 200'000 * pick(2) + pick(3);
        static constexpr std::uint8_t kFlags[] = {kSyn, kSyn, kSyn | kAck, kAck, kRst, kRst | kAck};
        const std::uint8_t flags = kFlags[pick(6)];
        Segment packet = pick(2) == 0 ? from_client(port, flags, client, server)
                                      : from_server(port, flags, server, client);
        packet.payload_length = pick(4) == 0 ? 10 : 0;
        send(packet, pick(500) == 0 ? now - 5'000 : now);
        ASSERT_LE(tracker.pending(), 40U);
        ASSERT_LE(tracker.remembered(), 80U);
    }
    tracker.finish();
    std::uint64_t recovered = 0;
    std::uint64_t of_outcome[kOutcomeCount] = {};
    for (const SessionRecord& record : sink.records) {
        recovered += record.recovered ? 1U : 0U;
        ++of_outcome[static_cast<std::size_t>(outcome_of(record.cause))];
        EXPECT_GE(record.elapsed, Duration{});
    }
    for (const Outcome outcome :
         {Outcome::success, Outcome::timeout, Outcome::reject, Outcome::abort, Outcome::pending}) {
        EXPECT_GT(of_outcome[static_cast<std::size_t>(outcome)], 0U) << to_string(outcome);
    }
    EXPECT_GT(recovered, 0U);
    EXPECT_GT(sink.evicted, 0U);
    EXPECT_EQ(sink.evicted, tracker.counters().evicted);
    EXPECT_EQ(tracker.pending(), 0U);
}

TEST_F(TrackerLimits, OnlyTimeoutsOfAttemptsThatTheLossTouchesAreDoubtful) {
    const auto at = [](std::int64_t seconds) { return Timestamp{} + Duration::seconds(seconds); };
    send(from_client(1, kSyn, 1), 0);       // over when the loss begins
    send(from_client(2, kSyn, 2), 50'000);  // under way then
    send(from_client(3, kSyn, 3), 50'001);  // refused
    tracker.advance(at(70));
    tracker.note_capture_loss(at(80), at(90));
    send(from_server(3, kRst | kAck, 0, 4), 95'000);
    send(from_client(4, kSyn, 4), 95'001);  // after it
    tracker.advance(at(200));
    ASSERT_EQ(sink.records.size(), 4U);
    EXPECT_FALSE(sink.records[0].capture_loss);
    EXPECT_EQ(sink.records[1].client.port, 3);
    EXPECT_FALSE(sink.records[1].capture_loss) << "a refusal was seen, whatever was lost";
    EXPECT_EQ(sink.records[2].client.port, 2);
    EXPECT_TRUE(sink.records[2].capture_loss);
    EXPECT_FALSE(sink.records[3].capture_loss);
}

}  // namespace
}  // namespace tcpeek
