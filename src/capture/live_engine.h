// The works of LiveCapture: one source per interface, their merge by time, and the news about
// interfaces.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
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
#include "capture/packet_ring.h"
#include "capture/tcx_tap.h"

namespace tcpeek {

class LiveCapture::Engine {
  public:
    static Result<std::unique_ptr<Engine>> open(const LiveOptions& options, InterfaceNames& names);

    [[nodiscard]] const std::vector<LiveInterface>& interfaces() const { return interfaces_; }
    [[nodiscard]] std::string description() const;
    [[nodiscard]] const std::string& notice() const { return notice_; }
    [[nodiscard]] KernelFilter* filter() { return filter_.get(); }
    [[nodiscard]] bool uses_hooks() const { return ring_ != nullptr; }
    std::size_t poll(Duration timeout, const FrameConsumer& consume);
    void drain(const FrameConsumer& consume);
    std::vector<LiveEvent> take_events();
    [[nodiscard]] std::vector<InterfaceState> states() const;
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
        // With sockets; empty when gone or awaited.
        std::optional<LiveHandle> handle;
        // With hooks: one, and one for each interface with `any`.
        std::vector<TcxTap> taps;
        bool tapped = false;        // false when gone or awaited
        bool readable = false;      // the ring may hold more
        bool finished = false;      // while draining: nothing more can come
        std::optional<Frame> head;  // read, not handed over yet
        Duration head_taken;        // when, by the steady clock
        Duration closes_at;         // leaving: when to give up, by the steady clock
        Timestamp last_time;        // of the last frame that was read
        bool crowded = false;       // merging: its ring cannot wait
        Timestamp complete;         // merging: all frames before this have been read
        LiveStatistics totals;
        std::uint64_t handed_over = 0;
        std::optional<std::uint64_t> last_missed;
        std::uint64_t dropped_before = 0;  // by earlier handles of an interface that came again
        std::string refusal;               // awaited: why the last opening failed, told once

        [[nodiscard]] bool is_open() const { return handle.has_value() || tapped; }
    };

    Engine(LinkTable links, UniqueFd wake, InterfaceNames& names, const LiveOptions& options);

    // With hooks, and with sockets where they do not work.
    Result<void> choose_engine();
    Result<void> use_hooks();
    void use_sockets(const std::string& why_not_hooks);
    Result<void> add_all();
    Result<void> add(const Link* link, std::string wanted);
    Result<void> add_waiting();
    [[nodiscard]] LiveInterface description_of(const Source& source) const;
    Result<void> open_source(Source& source, const Link* link);
    Result<void> open_handle(Source& source, const Link* link);
    // `link`: nullptr for `any`.
    Result<void> open_taps(Source& source, const Link* link);
    void tap_new_interface(const Link& link);
    void await(Source& source);
    void open_awaited();
    [[nodiscard]] const Link* find_wanted(const Source& source) const;
    [[nodiscard]] static Now read_clocks();

    // Whether the ring may end the wait.
    enum class Ring : std::uint8_t { wakes, rests };
    bool watch(Duration timeout, Ring ring = Ring::rests);
    [[nodiscard]] Duration longest_wait(const Now& now, Duration deadline) const;
    void on_link(const Link& link, bool exists);
    void start_leaving(Source& source);
    void on_broken(Source& source);
    void close_left(const Now& now);
    void close(Source& source);
    void report(LiveEvent::Kind kind, const Source& source);
    void count(Source& source);

    std::size_t deliver(const Now& now, const FrameConsumer& consume);
    std::size_t deliver_from_ring(const FrameConsumer& consume);
    void hand_over(std::span<const PacketRing::Packet> packets, const FrameConsumer& consume);
    [[nodiscard]] Source* source_of(unsigned interface_index);
    // Whether it was ended by `wake`.
    bool rest_between_batches();
    [[nodiscard]] std::uint64_t dropped(Source& source);
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
    std::unique_ptr<KernelFilter> filter_;  // may be none; outlives what uses it
    std::unique_ptr<PacketRing> ring_;      // with hooks only
    bool ring_is_empty_ = true;             // as far as was read
    std::size_t last_batch_ = 0;            // packets taken from the ring last time
    Timestamp last_ring_time_;
    std::string why_no_hooks_;
    std::string why_no_filter_;
    std::string notice_;
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
