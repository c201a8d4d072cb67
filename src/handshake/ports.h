// The two things that the tracker asks of its surroundings, handed to it at construction.
#pragma once

#include <optional>

#include "handshake/session_record.h"
#include "net/connection_key.h"

namespace tcpeek {

// Decides at an attempt's first SYN which of the user's filters want it.
class Classifier {
  public:
    virtual ~Classifier() = default;
    // Nothing: no filter wants this attempt.
    virtual std::optional<MatchId> classify(const Endpoint& client, const Endpoint& server) = 0;
};

// Takes what the tracker says, in the order in which it becomes true. Called on the thread that
// drives the tracker.
class VerdictSink {
  public:
    virtual ~VerdictSink() = default;
    virtual void on_record(const SessionRecord& record) = 0;
    virtual void on_event(const SessionEvent& event) = 0;
    // A pending attempt was evicted above the limit: it has no record.
    virtual void on_evicted(MatchId filters) = 0;

    // Why no packet of a pair of endpoints can make a verdict any more, but for another SYN.
    enum class Settled : std::uint8_t {
        judged,     // its attempts succeeded or are unjudged, or no attempt started
        forgotten,  // the last failure is too old to be remembered, or was pushed out
    };
    // With TrackerConfig::tells_settled: no attempt of the pair is pending or remembered as a
    // failure. `isn` is that of the SYN or attempt which was looked at last.
    virtual void on_settled(const ConnectionKey& /*key*/, SeqNumber /*isn*/, Settled /*why*/) {}
};

}  // namespace tcpeek
