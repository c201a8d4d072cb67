// The works of LiveCapture: one source per interface, their merge by time, and the news about
// interfaces.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/timestamp.h"
#include "base/unique_fd.h"
#include "capture/interface_names.h"
#include "capture/live_capture.h"
#include "capture/live_handle.h"
#include "capture/live_links.h"

namespace tcpeek {

class LiveCapture::Engine {
  public:
    static Result<std::unique_ptr<Engine>> open(const LiveOptions& options, InterfaceNames& names);

    [[nodiscard]] const std::vector<LiveInterface>& interfaces() const { return interfaces_; }
    std::size_t poll(Duration timeout, const FrameConsumer& consume);
    void drain(const FrameConsumer& consume);
    std::vector<LiveEvent> take_events();
    [[nodiscard]] bool exhausted() const;
    std::uint64_t dropped_by_kernel();
    std::vector<LiveStatistics> statistics();
    [[nodiscard]] Timestamp complete_until() const { return complete_until_; }
    void wake();

  private:
    // Two clocks, read at the beginning of a round.
    struct Now {
        Timestamp wall;
        Duration steady;  // never steps
    };

    enum class Presence : std::uint8_t {
        up,
        down,
        leaving,  // vanished; what is left in the ring is still read
        gone,
        awaited,  // to be opened when it is there and up
    };

    struct Source {
        std::string wanted;  // as the user named it; empty for the first usable interface
        unsigned index = 0;  // of the interface; 0 for `any`
        InterfaceId id;
        Presence presence = Presence::up;
        std::optional<LiveHandle> handle;  // empty when gone or awaited
        bool readable = false;             // the ring may hold more
        bool finished = false;             // while draining: nothing more can come
        std::optional<Frame> head;         // read, not handed over yet
        Duration head_taken;               // when, by the steady clock
        Duration closes_at;                // leaving: when to give up, by the steady clock
        Timestamp last_time;               // of the last frame that was read
        bool crowded = false;              // merging: its ring cannot wait
        Timestamp complete;                // merging: all frames before this have been read
        LiveStatistics totals;
        std::uint64_t handed_over = 0;
        std::optional<std::uint64_t> last_missed;
        std::uint64_t dropped_before = 0;  // by earlier handles of an interface that came again
        std::string refusal;               // awaited: why the last opening failed, told once
    };

    Engine(LinkTable links, UniqueFd wake, InterfaceNames& names, const LiveOptions& options);

    Result<void> add(const Link* link, std::string wanted);
    Result<void> add_waiting();
    Result<void> open_handle(Source& source, const Link* link);
    void await(Source& source);
    void open_awaited();
    [[nodiscard]] const Link* find_wanted(const Source& source) const;
    [[nodiscard]] static Now read_clocks();

    bool watch(Duration timeout);
    [[nodiscard]] Duration longest_wait(const Now& now, Duration deadline) const;
    void on_link(const Link& link, bool exists);
    void start_leaving(Source& source);
    void on_broken(Source& source);
    void close_left(const Now& now);
    void close(Source& source);
    void report(LiveEvent::Kind kind, const Source& source);
    void count(Source& source);

    std::size_t deliver(const Now& now, const FrameConsumer& consume);
    std::size_t deliver_directly(Source& source, const FrameConsumer& consume);
    std::size_t merge(const Now& now, bool wait, const FrameConsumer& consume);
    [[nodiscard]] Source* only_source();
    void fill_head(Source& source, const Now& now);
    [[nodiscard]] Source* earliest_head();
    [[nodiscard]] bool due(const Source& source, const Now& now) const;
    void look_into_ring(Source& source, const Now& now);
    [[nodiscard]] bool rests(const Now& now) const;
    void note_completeness(const Now& now);
    [[nodiscard]] bool all_finished();
    [[nodiscard]] InterfaceId interface_of(const Source& source, unsigned index);

    InterfaceNames& names_;
    LiveOptions options_;
    LinkTable links_;
    UniqueFd wake_;
    std::vector<Source> sources_;
    std::vector<LiveInterface> interfaces_;
    std::vector<LiveEvent> events_;
    std::unordered_map<unsigned, InterfaceId> ids_;  // by the kernel's index, for `any`
    unsigned last_index_ = 0;                        // the last one that was looked up there
    InterfaceId last_id_;
    Duration next_round_;  // of the merge, by the steady clock
    Timestamp complete_until_;
};

}  // namespace tcpeek
