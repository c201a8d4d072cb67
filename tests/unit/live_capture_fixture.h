// What the tests of LiveCapture share: frames that are recognised again, interfaces in a namespace
// of their own.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "capture/boot_clock.h"
#include "capture/live_capture.h"
#include "network_namespace.h"

namespace tcpeek::testing {

inline constexpr Duration one_second = Duration::seconds(1);

// A frame of FrameSender, with its bytes gone.
struct Seen {
    std::uint32_t number = 0;
    Timestamp time;
    InterfaceId interface;
    std::size_t captured = 0;
    std::uint32_t original = 0;
    std::uint32_t link_type = 0;
};

inline LiveCapture::FrameConsumer each_frame(std::function<void(const Frame&)> visit) {
    return [visit = std::move(visit)](const FrameBatch& batch) {
        std::for_each(batch.frames.begin(), batch.frames.end(), visit);
    };
}

// Keeps what FrameSender sent.
class Collector {
  public:
    void operator()(const Frame& frame) {
        ++all_;
        ByteReader reader(frame.bytes);
        if (frame.link_type.number == 1) {
            reader.skip(12);
        }
        if (reader.u16() != FrameSender::ether_type) {
            return;
        }
        if (frame.link_type.number == 276) {
            reader.skip(18);
        }
        seen_.push_back({reader.u32(), frame.time, frame.interface, frame.bytes.size(),
                         frame.original_length, frame.link_type.number});
    }

    LiveCapture::FrameConsumer consumer() {
        return each_frame([this](const Frame& frame) { (*this)(frame); });
    }
    [[nodiscard]] const std::vector<Seen>& seen() const { return seen_; }
    [[nodiscard]] std::size_t all() const { return all_; }
    void clear() { seen_.clear(); }

    // Polls until `count` frames of FrameSender are there, for a second at most.
    std::size_t wait_for(LiveCapture& capture, std::size_t count) {
        const Duration deadline = boot_clock_now() + one_second;
        while (seen_.size() < count && boot_clock_now() < deadline) {
            capture.poll(Duration::milliseconds(100), consumer());
        }
        return seen_.size();
    }

  private:
    std::vector<Seen> seen_;
    std::size_t all_ = 0;
};

inline LiveOptions options_for(std::vector<std::string> interfaces,
                               std::uint32_t snapshot_length = 128) {
    LiveOptions options;
    options.interfaces = std::move(interfaces);
    options.snapshot_length = snapshot_length;
    return options;
}

// Polls until an event comes, for a second at most.
inline std::vector<std::string> next_events(LiveCapture& capture, std::size_t count = 1) {
    std::vector<std::string> texts;
    const Duration deadline = boot_clock_now() + one_second;
    while (texts.size() < count && boot_clock_now() < deadline) {
        capture.poll(Duration::milliseconds(200), [](const FrameBatch&) {});
        for (const LiveEvent& event : capture.take_events()) {
            switch (event.kind) {
                case LiveEvent::Kind::went_down:
                    texts.push_back(event.interface + " went down");
                    break;
                case LiveEvent::Kind::came_up:
                    texts.push_back(event.interface + " came up");
                    break;
                case LiveEvent::Kind::vanished:
                    texts.push_back(event.interface + " vanished");
                    break;
                case LiveEvent::Kind::awaited:
                    texts.push_back(event.interface + " awaited");
                    break;
                case LiveEvent::Kind::appeared:
                    texts.push_back(event.interface + " appeared");
                    break;
                case LiveEvent::Kind::refused:
                    texts.push_back(event.interface + " refused: " + event.why);
                    break;
            }
        }
    }
    return texts;
}

// A moment after an interface is up, the kernel lets it send.
inline void wait_until_usable(const std::string& interface) {
    run("for i in $(seq 100); do ip link show " + interface +
        " | grep -q 'state UP' && exit 0; sleep 0.01; done; exit 1");
}

inline void make_pair(const std::string& one, const std::string& other) {
    run("ip link add " + one + " type veth peer name " + other + " && ip link set " + one +
        " up && ip link set " + other + " up");
    wait_until_usable(one);
    wait_until_usable(other);
}

using Texts = std::vector<std::string>;

class LiveCaptureTest : public ::testing::Test {
  protected:
    void SetUp() override {
        if (const auto why = namespaces_missing()) {
            GTEST_SKIP() << *why;
        }
    }

    // Opens the capture in a namespace of its own, after `prepare`, and runs `body` with it.
    void with_capture(const LiveOptions& options, const std::function<void()>& prepare,
                      const std::function<void(LiveCapture&)>& body) {
        in_network_namespace([&] {
            prepare();
            Result<LiveCapture> capture = LiveCapture::open(options, names_);
            ASSERT_TRUE(capture.ok()) << capture.error().message;
            body(capture.value());
        });
    }

    static std::string open_error(const LiveOptions& options) {
        InterfaceNames names;
        const Result<LiveCapture> capture = LiveCapture::open(options, names);
        return capture ? "" : capture.error().message;
    }

    InterfaceNames names_;
};

}  // namespace tcpeek::testing
