// One packet socket with its ring, through libpcap: TPACKET_V3, nonblocking, nanoseconds.
#pragma once

#include <pcap/pcap.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/timestamp.h"
#include "capture/cooked_tags.h"
#include "capture/live_capture.h"
#include "capture/live_links.h"
#include "dissect/frame.h"

namespace tcpeek {

// A frame's bytes and times without its interface, and the kernel's index of the interface where
// the link header carries it (`any`), else 0.
struct LiveFrame {
    Frame frame;
    unsigned interface_index = 0;
};

class LiveHandle {
  public:
    // The name that stands for all interfaces.
    static constexpr const char* any = "any";

    // The kernel hands over a block of the ring when it is full, or this long after it was begun
    // at the latest (and a timer tick).
    static constexpr Duration block_timeout = Duration::milliseconds(20);

    // `link`: the interface, nullptr for `any`; `filter`: nullptr where there is none. Errors: it
    // is down, no permission, no memory.
    static Result<LiveHandle> open(const Link* link, const LiveOptions& options,
                                   const KernelFilter* filter);

    // Readable while there are frames; reports an error once when the interface goes down.
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] LinkType link_type() const { return link_type_; }
    [[nodiscard]] LiveInterface description() const;

    // What happened to a reading call.
    enum class Outcome : std::uint8_t {
        frames,
        empty,   // nothing waits in the ring
        broken,  // libpcap reports an error: the interface may be gone
    };

    // Takes the next frame. Its bytes are a copy that is valid until the next call for this
    // handle.
    Outcome next(LiveFrame& frame);

    // Calls `visit(const LiveFrame&)` for waiting frames in the ring itself, at most `limit` of
    // them; their bytes are valid during the call. `visit` must not throw.
    template <typename Visit>
    Outcome read_in_place(int limit, Visit&& visit);

    // From here on the kernel puts no further packets into the ring.
    void stop_receiving();

    // How many packets that the kernel put into the ring have not been read yet, be it that it
    // has not handed over their block yet.
    [[nodiscard]] std::uint64_t outstanding();

    // Whether so many packets are outstanding that the ring may soon be full.
    [[nodiscard]] bool crowded();

    // Packets that found no room in the ring, since the start.
    [[nodiscard]] std::uint64_t dropped();

    // Takes a pending error (ENETDOWN) from the socket, so that the descriptor rests.
    void clear_error();

  private:
    struct Close {
        void operator()(pcap_t* pcap) const { pcap_close(pcap); }
    };

    LiveHandle(std::unique_ptr<pcap_t, Close> pcap, std::string name, bool carries_index,
               std::uint64_t ring_size);

    void update_counts();

    [[nodiscard]] LiveFrame convert(const pcap_pkthdr& header, const u_char* bytes) const;

    std::unique_ptr<pcap_t, Close> pcap_;
    std::string name_;
    LinkType link_type_;
    bool carries_index_;
    std::optional<CookedTags> tags_;   // of `any`
    std::uint64_t ring_size_;          // octets
    std::uint64_t taken_ = 0;          // frames read
    std::uint64_t put_into_ring_ = 0;  // by the kernel
    std::uint64_t dropped_ = 0;
    std::uint64_t mean_length_;  // octets of late frames, a moving average
};

template <typename Visit>
LiveHandle::Outcome LiveHandle::read_in_place(int limit, Visit&& visit) {
    struct Context {
        LiveHandle& handle;
        Visit& visit;
    };
    Context context{*this, visit};
    const pcap_handler callback = [](u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
        Context& self = *static_cast<Context*>(static_cast<void*>(user));
        ++self.handle.taken_;
        LiveFrame live = self.handle.convert(*header, bytes);
        if (self.handle.tags_) {
            self.handle.tags_->restore(live.frame);
        }
        self.visit(live);
    };
    const int count = pcap_dispatch(pcap_.get(), limit, callback,
                                    static_cast<u_char*>(static_cast<void*>(&context)));
    if (count < 0) {
        return Outcome::broken;
    }
    return count == 0 ? Outcome::empty : Outcome::frames;
}

}  // namespace tcpeek
