// Which pairs of endpoints the tracker calls settled, for a filter in the kernel that then lets go
// of them, and what it shows of attempts that are open.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "handshake/tracker.h"
#include "handshake_support.h"

namespace tcpeek {
namespace {

using Settled = VerdictSink::Settled;

class OnlyPort80 final : public Classifier {
  public:
    std::optional<MatchId> classify(const Endpoint&, const Endpoint& server) override {
        return server.port == 80 ? std::optional(MatchId{}) : std::nullopt;
    }
};

struct Told {
    std::uint32_t isn;
    Settled why;

    friend bool operator==(const Told&, const Told&) = default;
};

class SettledListener final : public VerdictSink {
  public:
    void on_record(const SessionRecord&) override {}
    void on_event(const SessionEvent&) override {}
    void on_evicted(MatchId) override {}
    void on_settled(const ConnectionKey&, SeqNumber isn, Settled why) override {
        told.push_back({isn.value, why});
    }

    std::vector<Told> told;
};

constexpr std::uint8_t kSyn = TcpFlags::kSyn;
constexpr std::uint8_t kAck = TcpFlags::kAck;
constexpr std::uint8_t kRst = TcpFlags::kRst;

class TrackerSettled : public testing::Test {
  protected:
    static Endpoint client() {
        const std::uint8_t octets[4] = {192, 0, 2, 1};
        return {IpAddress::v4(octets), 40'000};
    }
    static Endpoint server(std::uint16_t port = 80) {
        const std::uint8_t octets[4] = {192, 0, 2, 2};
        return {IpAddress::v4(octets), port};
    }
    static Segment segment(const Endpoint& source, const Endpoint& destination, std::uint8_t flags,
                           std::uint32_t seq, std::uint32_t ack = 0) {
        return segment_between(source, destination, flags, seq, ack);
    }
    void send(const Segment& segment, std::int64_t seconds) {
        tracker.on_segment(segment, Timestamp{} + Duration::seconds(seconds), InterfaceId::none());
    }
    std::vector<Told> told() { return std::exchange(sink.told, {}); }
    [[nodiscard]] bool is_open() const {
        return tracker.has_open_attempt(ConnectionKey::of(client(), server()));
    }

    OnlyPort80 classifier;
    SettledListener sink;
    Tracker tracker{
        {.timeout = Duration::seconds(60), .max_sessions = 10, .seed = 7, .tells_settled = true},
        classifier,
        sink};
};

TEST_F(TrackerSettled, ASuccessSettlesAPair) {
    send(segment(client(), server(), kSyn, 100), 0);
    send(segment(server(), client(), kSyn | kAck, 500, 101), 1);
    EXPECT_EQ(told(), std::vector<Told>{});
    EXPECT_TRUE(is_open());
    send(segment(client(), server(), kAck, 101, 501), 2);
    EXPECT_EQ(told(), (std::vector<Told>{{100, Settled::judged}}));
    EXPECT_FALSE(is_open());
}

TEST_F(TrackerSettled, AFailureDoesOnlyWhenItIsForgotten) {
    send(segment(client(), server(), kSyn, 100), 0);
    send(segment(server(), client(), kRst | kAck, 0, 101), 1);
    EXPECT_TRUE(is_open()) << "a retry may still succeed";
    tracker.advance(Timestamp{} + Duration::seconds(60));
    EXPECT_EQ(told(), std::vector<Told>{});
    tracker.advance(Timestamp{} + Duration::seconds(61));
    EXPECT_EQ(told(), (std::vector<Told>{{100, Settled::forgotten}}));
    EXPECT_FALSE(is_open());
}

TEST_F(TrackerSettled, NotWhileAnotherAttemptOfThePairIsOpen) {
    send(segment(client(), server(), kSyn, 100), 0);
    send(segment(client(), server(), kSyn, 200), 1);
    send(segment(server(), client(), kSyn | kAck, 500, 201), 2);
    send(segment(client(), server(), kAck, 201, 501), 3);
    EXPECT_EQ(told(), std::vector<Told>{}) << "the superseded one may recover";
    tracker.advance(Timestamp{} + Duration::seconds(61));
    EXPECT_EQ(told(), (std::vector<Told>{{100, Settled::forgotten}}));
}

TEST_F(TrackerSettled, OneThatNobodyCanJudgeIsSettled) {
    send(segment(client(), server(), kSyn, 100), 0);
    send(segment(client(), server(), kAck, 101, 501), 1);
    tracker.advance(Timestamp{} + Duration::seconds(61));
    EXPECT_EQ(told(), (std::vector<Told>{{100, Settled::judged}}));
}

TEST_F(TrackerSettled, ASynThatNoFilterWantsSettlesItsPair) {
    send(segment(client(), server(443), kSyn, 100), 0);
    EXPECT_EQ(told(), (std::vector<Told>{{100, Settled::judged}}));
    EXPECT_EQ(tracker.counters().unmatched, 1U);
    EXPECT_EQ(tracker.pending(), 0U);
}

TEST_F(TrackerSettled, OpenAttemptsAreVisitedOnceEach) {
    send(segment(client(), server(), kSyn, 100), 0);
    send(segment(client(), server(), kSyn, 200), 1);
    EXPECT_EQ(tracker.open_attempts(), 2U);
    std::vector<std::uint32_t> isns;
    std::uint32_t from = 0;
    do {
        from = tracker.visit_open_attempts(from, 3, [&](const ConnectionKey&, SeqNumber isn) {
            isns.push_back(isn.value);
            return true;
        });
    } while (from != 0);
    std::sort(isns.begin(), isns.end());
    EXPECT_EQ(isns, (std::vector<std::uint32_t>{100, 200}));
    std::size_t visits = 0;
    EXPECT_EQ(tracker.visit_open_attempts(0, UINT32_MAX,
                                          [&](const ConnectionKey&, SeqNumber) {
                                              ++visits;
                                              return false;
                                          }),
              0U);
    EXPECT_EQ(visits, 1U) << "false ends the visit";
}

TEST_F(TrackerSettled, TheNextExpiryIsThatOfTheLongestWaiting) {
    EXPECT_EQ(tracker.until_next_expiry(), std::nullopt);
    send(segment(client(), server(), kSyn, 100), 0);
    tracker.advance(Timestamp{} + Duration::seconds(13));
    EXPECT_EQ(tracker.until_next_expiry(), Duration::seconds(47));
}

}  // namespace
}  // namespace tcpeek
