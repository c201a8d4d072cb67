// Says which rows and cells of the tables a capture used: `state.STATE.EVENT`, `outcome.CAUSE`,
// `ignored.REASON`, `malformed.LAYER`, one a line. Takes tcpeek's own options; `--all` prints every
// mark that there is.
#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/assert.h"
#include "capture/capture_file.h"
#include "cli/parse.h"
#include "dissect/dissect.h"
#include "handshake/outcome.h"
#include "handshake/tracker.h"
#include "stats/ledger.h"

namespace tcpeek {
namespace {

template <typename Enum>
std::string_view name_of(std::size_t index) {
    return to_string(static_cast<Enum>(index));
}

void print_state_mark(std::size_t state, std::size_t event) {
    fmt::print("state.{}.{}\n", name_of<State>(state), name_of<Event>(event));
}

void print_all() {
    for (std::size_t state = 0; state < kStateCount; ++state) {
        for (std::size_t event = 0; event < kEventCount; ++event) {
            print_state_mark(state, event);
        }
    }
    for (const CauseProperties& row : cause_table()) {
        fmt::print("outcome.{}\n", row.name);
    }
    for (std::size_t reason = 0; reason < kIgnoredReasonCount; ++reason) {
        fmt::print("ignored.{}\n", name_of<IgnoredReason>(reason));
    }
    for (std::size_t layer = 0; layer < kLayerCount; ++layer) {
        fmt::print("malformed.{}\n", name_of<Layer>(layer));
    }
}

class Run final : public Classifier, public VerdictSink {
  public:
    explicit Run(const Config& config)
        : dissect_options_{static_cast<ChecksumMode>(config.checksum_mode), config.icmp},
          tracker_({.timeout = Duration::seconds(config.timeout_seconds),
                    .max_sessions = config.max_sessions},
                   *this, *this) {}

    void take(const Frame& frame) {
        dissect(frame, dissect_options_, dissected_);
        ledger_.count_frame(frame.time, dissected_);
        if (const auto* segment = std::get_if<Segment>(&dissected_)) {
            tracker_.on_segment(*segment, frame.time, frame.interface);
        } else if (const auto* error = std::get_if<IcmpError>(&dissected_)) {
            tracker_.on_icmp(*error, frame.time);
        } else {
            tracker_.on_other(frame.time);
        }
    }

    void finish() {
        tracker_.finish();
        const TrackerCounters counters = tracker_.counters();
        for (std::size_t state = 0; state < kStateCount; ++state) {
            for (std::size_t event = 0; event < kEventCount; ++event) {
                if (counters.cells[state][event] > 0) {
                    print_state_mark(state, event);
                }
            }
        }
        const FrameCounters& frames = ledger_.frames();
        for (std::size_t reason = 0; reason < kIgnoredReasonCount; ++reason) {
            if (frames.ignored[reason] > 0) {
                fmt::print("ignored.{}\n", name_of<IgnoredReason>(reason));
            }
        }
        for (std::size_t layer = 0; layer < kLayerCount; ++layer) {
            if (frames.malformed[layer] > 0) {
                fmt::print("malformed.{}\n", name_of<Layer>(layer));
            }
        }
    }

    std::optional<MatchId> classify(const Endpoint&, const Endpoint&) override { return MatchId{}; }
    void on_record(const SessionRecord& record) override {
        fmt::print("outcome.{}\n", to_string(record.cause));
    }
    void on_event(const SessionEvent&) override {}
    void on_evicted(MatchId) override {}

  private:
    DissectOptions dissect_options_;
    Ledger ledger_{0};
    Tracker tracker_;
    Dissected dissected_;
};

int read_files(const Config& config) {
    Run run(config);
    InterfaceNames names;
    for (const std::string& path : config.files) {
        auto file = CaptureFile::open(path, names);
        if (!file) {
            fmt::print(stderr, "{}\n", file.error().message);
            return 1;
        }
        Frame frame;
        while (file.value().next(frame)) {
            run.take(frame);
        }
    }
    run.finish();
    return 0;
}

}  // namespace
}  // namespace tcpeek

int main(int argc, char** argv) {
    if (argc == 2 && std::string_view(argv[1]) == "--all") {
        tcpeek::print_all();
        return 0;
    }
    const auto parsed = tcpeek::parse_command_line(argc, argv);
    if (const auto* config = std::get_if<tcpeek::Config>(&parsed)) {
        return tcpeek::read_files(*config);
    }
    fmt::print(stderr, "usage: marks --all | marks [tcpeek option]... -r FILE\n");
    return 2;
}
