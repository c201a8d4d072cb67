// Live capture on one or several interfaces, in the order of time: by programs at their tcx hooks
// or through libpcap's packet sockets.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "capture/attempt_directory.h"
#include "capture/interface_names.h"
#include "capture/kernel_filter.h"
#include "dissect/frame.h"

namespace tcpeek {

// How packets are taken from the kernel.
enum class CaptureEngine : std::uint8_t {
    automatic,  // the cheapest that works
    tcx,        // programs at the interfaces' tcx hooks
    socket,     // packet sockets
};

struct LiveOptions {
    std::vector<std::string> interfaces;  // as typed; empty: the first usable non-loopback one
    bool promiscuous = false;             // `any` cannot be, and is not
    std::uint32_t buffer_megabytes = 2;
    std::uint32_t snapshot_length = 0;  // octets of each frame
    // Interfaces that are absent, down, or vanish later are waited for.
    bool wait = false;
    CaptureEngine engine = CaptureEngine::automatic;
    bool icmp = false;
    bool judges_all = true;  // none is left out for a wrong checksum
    // Connections that the kernel filter can hold; 0: no kernel filter.
    std::uint32_t filter_connections = 0;
};

// What one opened interface is, for the `listening on` line.
struct LiveInterface {
    std::string name;
    std::string link_type_name;         // "EN10MB"
    std::string link_type_description;  // "Ethernet"
    std::uint32_t snapshot_length = 0;
};

// Totals since the start.
struct LiveStatistics {
    std::string interface;
    std::uint64_t received = 0;           // handed to tcpeek plus dropped by the kernel
    std::uint64_t dropped_by_kernel = 0;  // the ring was full
    std::uint64_t dropped_by_interface = 0;
};

// Something about an interface that users should know.
struct LiveEvent {
    enum class Kind : std::uint8_t {
        went_down,
        came_up,
        vanished,
        awaited,   // with `wait`: it is not there, or down
        appeared,  // with `wait`: it is watched from now on
        refused,   // with `wait`: it is there and cannot be watched; `why` says why
    };
    Kind kind = Kind::went_down;
    std::string interface;
    std::string why;
};

// What has become of an interface that the user asked for, or that was chosen for him.
struct InterfaceState {
    enum class Kind : std::uint8_t { watched, awaited, refused, gone };
    // Its device; of one that is awaited the name that the user gave, none for "the first usable".
    std::string name;
    Kind kind = Kind::watched;
};

// Frames in the order of their times, to be judged in this order; several where they are there
// already. Their bytes are valid during the call that hands them over.
struct FrameBatch {
    static constexpr std::size_t kMost = 32;

    std::span<const Frame> frames;  // at least one
    std::bitset<kMost> entered;     // SYNs whose connection the filter entered, or had no room for

    static FrameBatch of(const Frame& frame) { return {std::span(&frame, 1), {}}; }
};

// All calls but `wake` belong to one thread.
class LiveCapture {
  public:
    // Errors: no such interface (names those that there are), no permission (names sudo and
    // setcap), no usable interface; with `wait` only the lack of permission, and what is no
    // interface's fault. `names` must outlive the capture.
    static Result<LiveCapture> open(const LiveOptions& options, InterfaceNames& names);

    [[nodiscard]] const std::vector<LiveInterface>& interfaces() const;

    // Whether programs at hooks take the packets; whether there is a kernel filter.
    [[nodiscard]] bool uses_hooks() const;
    [[nodiscard]] bool has_kernel_filter() const;
    // Which engine runs and why, in a few words.
    [[nodiscard]] std::string engine_description() const;
    // What users should know of the choice; empty where nothing is to be said.
    [[nodiscard]] std::string notice() const;
    // The filter's state is `off` where there is none.
    [[nodiscard]] KernelFilterStatistics filter_statistics() const;

    // With a frame that is a SYN of an attempt: makes sure that the filter lets its pair's packets
    // through. It does so by itself unless it did not understand the frame (FrameBatch::entered).
    void enter_into_filter(const ConnectionKey& key, SeqNumber isn);
    // No attempt of the pair is left: see KernelFilter::remove.
    void remove_from_filter(const ConnectionKey& key, SeqNumber isn, KernelFilter::Removal why);
    // A piece of the filter's upkeep, to be called between two `poll`s.
    void tend_filter(const AttemptDirectory& attempts);
    // Whether `tend_filter` should be called again soon.
    [[nodiscard]] bool filter_wants_tending_soon() const;

    using FrameConsumer = std::function<void(const FrameBatch&)>;

    // Waits until frames or a `wake` arrive, at most `timeout`, and hands every frame that is due
    // to `consume`, in the order of their times over all interfaces. A frame waits at most 50 ms
    // for earlier ones of other interfaces. Ends early for events and when all interfaces are gone.
    // Returns the number of frames handed over.
    std::size_t poll(Duration timeout, const FrameConsumer& consume);

    // For the end of the capture: stops it and hands over all that has arrived. Where the kernel
    // still holds packets in a block that is not full, that takes up to 60 ms.
    void drain(const FrameConsumer& consume);

    // What happened to interfaces since the last call. A `poll` ends when there is something new.
    // An interface that is deleted goes down first.
    std::vector<LiveEvent> take_events();
    // How it stands with each. One that is down is awaited.
    [[nodiscard]] std::vector<InterfaceState> states() const;
    // Whether every interface has vanished, and none is waited for.
    [[nodiscard]] bool exhausted() const;

    // Packets that a full ring lost since the start, over all interfaces. Cheap: a system call for
    // each of them at most.
    std::uint64_t dropped_by_kernel();

    // One element an interface, also of those that are awaited by name or have vanished.
    std::vector<LiveStatistics> statistics();

    // The wall clock time up to which every frame has been handed over: the tracker may expire
    // what is due by then. Meaningful after a `poll`.
    [[nodiscard]] Timestamp complete_until() const;

    // Ends a `poll` that waits; callable from any thread.
    void wake();

    LiveCapture(LiveCapture&&) noexcept;
    LiveCapture& operator=(LiveCapture&&) noexcept;
    ~LiveCapture();

  private:
    class Engine;
    explicit LiveCapture(std::unique_ptr<Engine> engine);

    std::unique_ptr<Engine> engine_;
};

}  // namespace tcpeek
