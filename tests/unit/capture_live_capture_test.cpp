#include "capture/live_capture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "capture/boot_clock.h"
#include "network_namespace.h"

namespace tcpeek {
namespace {

using testing::FrameSender;
using testing::in_network_namespace;
using testing::namespaces_missing;
using testing::run;

constexpr Duration one_second = Duration::seconds(1);

// A frame of FrameSender, with its bytes gone.
struct Seen {
    std::uint32_t number = 0;
    Timestamp time;
    InterfaceId interface;
    std::size_t captured = 0;
    std::uint32_t original = 0;
    std::uint32_t link_type = 0;
};

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
        return [this](const Frame& frame) { (*this)(frame); };
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

LiveOptions options_for(std::vector<std::string> interfaces, std::uint32_t snapshot_length = 128) {
    LiveOptions options;
    options.interfaces = std::move(interfaces);
    options.snapshot_length = snapshot_length;
    return options;
}

// Polls until an event comes, for a second at most.
std::vector<std::string> next_events(LiveCapture& capture, std::size_t count = 1) {
    std::vector<std::string> texts;
    const Duration deadline = boot_clock_now() + one_second;
    while (texts.size() < count && boot_clock_now() < deadline) {
        capture.poll(Duration::milliseconds(200), [](const Frame&) {});
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
void wait_until_usable(const std::string& interface) {
    run("for i in $(seq 100); do ip link show " + interface +
        " | grep -q 'state UP' && exit 0; sleep 0.01; done; exit 1");
}

void make_pair(const std::string& one, const std::string& other) {
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

TEST_F(LiveCaptureTest, SeesLoopbackPacketsOnceAndCutsThem) {
    with_capture(
        options_for({"lo"}, 60), [] {},
        [this](LiveCapture& capture) {
            ASSERT_EQ(capture.interfaces().size(), 1U);
            EXPECT_EQ(capture.interfaces()[0].name, "lo");
            EXPECT_EQ(capture.interfaces()[0].link_type_name, "EN10MB");
            EXPECT_EQ(capture.interfaces()[0].link_type_description, "Ethernet");
            EXPECT_EQ(capture.interfaces()[0].snapshot_length, 60U);
            const Timestamp before = wall_clock_now();
            FrameSender sender("lo");
            ASSERT_TRUE(sender.send(7, 1000));
            ASSERT_TRUE(sender.send(8, 10));
            Collector collector;
            ASSERT_EQ(collector.wait_for(capture, 2), 2U);
            capture.drain(collector.consumer());
            ASSERT_EQ(collector.seen().size(), 2U);
            const Seen& first = collector.seen()[0];
            EXPECT_EQ(first.number, 7U);
            EXPECT_EQ(first.captured, 60U);
            EXPECT_EQ(first.original, 1014U);
            EXPECT_EQ(first.link_type, 1U);
            EXPECT_EQ(names_.name(first.interface), "lo");
            EXPECT_GE(first.time, before);
            EXPECT_LE(first.time, wall_clock_now());
            EXPECT_EQ(collector.seen()[1].captured, 24U);
            EXPECT_EQ(capture.statistics()[0].received, collector.all());
        });
}

TEST_F(LiveCaptureTest, NamesTheRealInterfaceWithAny) {
    with_capture(
        options_for({"lo", "any", "lo"}), [] { make_pair("a0", "a1"); },
        [this](LiveCapture& capture) {
            ASSERT_EQ(capture.interfaces().size(), 1U);
            EXPECT_EQ(capture.interfaces()[0].name, "any");
            EXPECT_EQ(capture.interfaces()[0].link_type_name, "LINUX_SLL2");
            FrameSender("lo").send(1);
            FrameSender("a0").send(2);
            Collector collector;
            collector.wait_for(capture, 3);
            // One that is made while the capture runs, and one that gets another name.
            make_pair("b0", "b1");
            run("ip link set a1 down; ip link set a1 name c1; ip link set c1 up");
            wait_until_usable("a0");
            wait_until_usable("c1");
            wait_until_usable("a0");
            wait_until_usable("c1");
            FrameSender("b0").send(3);
            FrameSender("c1").send(4);
            collector.wait_for(capture, 7);
            capture.drain(collector.consumer());
            Texts texts;
            for (const Seen& seen : collector.seen()) {
                EXPECT_EQ(seen.link_type, 276U);
                texts.push_back(std::to_string(seen.number) + " " +
                                std::string(names_.name(seen.interface)));
            }
            std::sort(texts.begin(), texts.end());
            EXPECT_EQ(texts, (Texts{"1 lo", "2 a0", "2 a1", "3 b0", "3 b1", "4 a0", "4 c1"}));
        });
}

TEST_F(LiveCaptureTest, MergesInterfacesByTime) {
    with_capture(
        options_for({"a1", "b1", "a1", "lo"}),
        [] {
            make_pair("a0", "a1");
            make_pair("b0", "b1");
        },
        [](LiveCapture& capture) {
            ASSERT_EQ(capture.interfaces().size(), 3U);
            constexpr std::uint32_t count = 400;
            FrameSender senders[] = {FrameSender("a0"), FrameSender("b0")};
            Collector collector;
            // Blocks of the two rings end at different times while this goes on.
            std::thread sending([&senders] {
                for (std::uint32_t i = 0; i < count; ++i) {
                    senders[i % 7 % 2].send(i);
                    if (i % 10 == 9) {
                        std::this_thread::sleep_for(std::chrono::milliseconds(3));
                    }
                }
            });
            collector.wait_for(capture, count);
            sending.join();
            ASSERT_EQ(collector.seen().size(), count);
            for (std::uint32_t i = 0; i < count; ++i) {
                ASSERT_EQ(collector.seen()[i].number, i);
            }
        });
}

TEST_F(LiveCaptureTest, AFrameWaitsFiftyMillisecondsForIdleInterfacesAtMost) {
    with_capture(
        options_for({"a1", "lo"}), [] { make_pair("a0", "a1"); },
        [](LiveCapture& capture) {
            FrameSender sender("a0");
            Collector collector;
            Duration shortest = one_second;
            for (std::uint32_t i = 0; i < 5; ++i) {
                collector.clear();
                sender.send(i);
                ASSERT_EQ(collector.wait_for(capture, 1), 1U);
                shortest = std::min(shortest, wall_clock_now() - collector.seen()[0].time);
            }
            // A busy machine may wake us late, but not each time.
            EXPECT_LT(shortest, Duration::milliseconds(50));
        });
}

// Kept back for 50 ms, the frames of a busy interface would fill its ring.
TEST_F(LiveCaptureTest, ABusyInterfaceHardlyWaitsForAnIdleOne) {
    with_capture(
        options_for({"a1", "lo"}), [] { make_pair("a0", "a1"); },
        [](LiveCapture& capture) {
            std::thread sending([] {
                FrameSender sender("a0");
                for (std::uint32_t i = 0; i < 20'000; ++i) {
                    sender.send(i);
                    if (i % 100 == 99) {
                        std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    }
                }
            });
            std::int64_t frames = 0;
            Duration ages;
            const Duration deadline = boot_clock_now() + Duration::milliseconds(400);
            while (boot_clock_now() < deadline) {
                Timestamp now = wall_clock_now();
                capture.poll(Duration::milliseconds(50), [&](const Frame& frame) {
                    now = frames % 100 == 0 ? wall_clock_now() : now;
                    ages = ages + (now - frame.time);
                    ++frames;
                });
            }
            sending.join();
            ASSERT_GT(frames, 1000);
            EXPECT_LT(ages.ns / frames, Duration::milliseconds(25).ns);
        });
}

TEST_F(LiveCaptureTest, DrainHandsOverWhatTheKernelStillHolds) {
    for (const auto& interfaces : {Texts{"a1"}, Texts{"a1", "lo"}}) {
        with_capture(
            options_for(interfaces), [] { make_pair("a0", "a1"); },
            [](LiveCapture& capture) {
                FrameSender sender("a0");
                Collector collector;
                for (std::uint32_t i = 0; i < 10; ++i) {
                    ASSERT_TRUE(sender.send(i));
                }
                const Duration start = boot_clock_now();
                capture.drain(collector.consumer());
                EXPECT_EQ(collector.seen().size(), 10U);
                EXPECT_LT(boot_clock_now() - start, Duration::milliseconds(300));
                // Nothing is left and nothing arrives any more: no wait.
                Duration shortest = one_second;
                for (std::uint32_t i = 10; i < 13; ++i) {
                    ASSERT_TRUE(sender.send(i));
                    const Duration again = boot_clock_now();
                    capture.drain(collector.consumer());
                    shortest = std::min(shortest, boot_clock_now() - again);
                }
                EXPECT_EQ(collector.seen().size(), 10U);
                EXPECT_LT(shortest, Duration::milliseconds(20));
            });
    }
}

TEST_F(LiveCaptureTest, CountsWhatTheFullRingDropped) {
    LiveOptions options = options_for({"a1"}, 65535);
    options.buffer_megabytes = 1;
    with_capture(
        options, [] { make_pair("a0", "a1"); },
        [](LiveCapture& capture) {
            FrameSender sender("a0");
            constexpr std::uint32_t count = 3000;
            for (std::uint32_t i = 0; i < count; ++i) {
                ASSERT_TRUE(sender.send(i, 1400));
            }
            Collector collector;
            capture.drain(collector.consumer());
            const std::vector<LiveStatistics> statistics = capture.statistics();
            ASSERT_EQ(statistics.size(), 1U);
            EXPECT_EQ(statistics[0].interface, "a1");
            EXPECT_GT(statistics[0].dropped_by_kernel, 1000U);
            EXPECT_GT(collector.seen().size(), 300U);
            EXPECT_EQ(statistics[0].received, count);
            EXPECT_EQ(statistics[0].received, collector.all() + statistics[0].dropped_by_kernel);
            EXPECT_EQ(statistics[0].dropped_by_interface, 0U);
        });
}

TEST_F(LiveCaptureTest, ShortSnapshotsMakeRoomForMoreFrames) {
    LiveOptions options = options_for({"a1"}, 96);
    options.buffer_megabytes = 1;
    with_capture(
        options, [] { make_pair("a0", "a1"); },
        [](LiveCapture& capture) {
            FrameSender sender("a0");
            for (std::uint32_t i = 0; i < 3000; ++i) {
                ASSERT_TRUE(sender.send(i, 1400));
            }
            Collector collector;
            capture.drain(collector.consumer());
            EXPECT_EQ(collector.seen().size(), 3000U);
            EXPECT_EQ(capture.statistics()[0].dropped_by_kernel, 0U);
        });
}

TEST_F(LiveCaptureTest, GoesOnWhenAnInterfaceWasDown) {
    for (const auto& interfaces : {Texts{"a1"}, Texts{"a1", "lo"}}) {
        with_capture(
            options_for(interfaces), [] { make_pair("a0", "a1"); },
            [](LiveCapture& capture) {
                FrameSender sender("a0");
                sender.send(1);
                Collector collector;
                ASSERT_EQ(collector.wait_for(capture, 1), 1U);
                run("ip link set a1 down");
                EXPECT_EQ(next_events(capture), Texts{"a1 went down"});
                EXPECT_FALSE(capture.exhausted());
                run("ip link set a1 up");
                EXPECT_EQ(next_events(capture), Texts{"a1 came up"});
                wait_until_usable("a0");
                sender.send(2);
                ASSERT_EQ(collector.wait_for(capture, 2), 2U);
                // Faster than anybody looks.
                run("ip link set a1 down; ip link set a1 up");
                EXPECT_EQ(next_events(capture, 2), (Texts{"a1 went down", "a1 came up"}));
                wait_until_usable("a0");
                wait_until_usable("a0");
                sender.send(3);
                EXPECT_EQ(collector.wait_for(capture, 3), 3U);
                EXPECT_EQ(capture.statistics()[0].received, collector.all());
            });
    }
}

TEST_F(LiveCaptureTest, FollowsARenamedInterface) {
    for (const auto& interfaces : {Texts{"a1"}, Texts{"a1", "lo"}}) {
        with_capture(
            options_for(interfaces), [] { make_pair("a0", "a1"); },
            [this](LiveCapture& capture) {
                run("ip link set a1 down; ip link set a1 name z1");
                EXPECT_EQ(next_events(capture), Texts{"a1 went down"});
                run("ip link set z1 up");
                EXPECT_EQ(next_events(capture), Texts{"a1 came up"});
                wait_until_usable("a0");
                FrameSender("a0").send(1);
                Collector collector;
                ASSERT_EQ(collector.wait_for(capture, 1), 1U);
                EXPECT_EQ(names_.name(collector.seen()[0].interface), "z1");
                EXPECT_FALSE(capture.exhausted());
            });
    }
}

TEST_F(LiveCaptureTest, WaitsForAnInterfaceThatIsAbsentDownOrVanishes) {
    LiveOptions options = options_for({"a1"});
    options.wait = true;
    with_capture(
        options, [] {},
        [](LiveCapture& capture) {
            EXPECT_TRUE(capture.interfaces().empty());
            EXPECT_EQ(next_events(capture), Texts{"a1 awaited"});
            EXPECT_FALSE(capture.exhausted());
            run("ip link add a0 type veth peer name a1; ip link set a0 up");
            EXPECT_EQ(next_events(capture), Texts{}) << "it is there, but down";
            run("ip link set a1 up");
            EXPECT_EQ(next_events(capture), Texts{"a1 appeared"});
            wait_until_usable("a0");
            Collector collector;
            FrameSender("a0").send(1);
            EXPECT_EQ(collector.wait_for(capture, 1), 1U);
            run("ip link del a1");
            EXPECT_EQ(next_events(capture, 3),
                      (Texts{"a1 went down", "a1 vanished", "a1 awaited"}));
            EXPECT_FALSE(capture.exhausted());
            make_pair("a0", "a1");
            EXPECT_EQ(next_events(capture), Texts{"a1 appeared"});
            FrameSender("a0").send(2);
            EXPECT_EQ(collector.wait_for(capture, 2), 2U);
            ASSERT_EQ(capture.statistics().size(), 1U);
            EXPECT_EQ(capture.statistics()[0].received, collector.all())
                << "both lives of the interface count";
        });
}

TEST_F(LiveCaptureTest, TheOthersGoOnWhenAnInterfaceVanishes) {
    with_capture(
        options_for({"a1", "b1"}),
        [] {
            make_pair("a0", "a1");
            make_pair("b0", "b1");
        },
        [](LiveCapture& capture) {
            Collector collector;
            // The last frame is still in an unfinished block when its interface goes.
            FrameSender("a0").send(1);
            run("ip link del a1");
            ASSERT_EQ(collector.wait_for(capture, 1), 1U);
            EXPECT_EQ(next_events(capture, 2), (Texts{"a1 went down", "a1 vanished"}));
            EXPECT_FALSE(capture.exhausted());
            FrameSender("b0").send(2);
            EXPECT_EQ(collector.wait_for(capture, 2), 2U);
            run("ip link del b0");
            EXPECT_EQ(next_events(capture, 2), (Texts{"b1 went down", "b1 vanished"}));
            const Duration deadline = boot_clock_now() + one_second;
            while (!capture.exhausted() && boot_clock_now() < deadline) {
                capture.poll(Duration::milliseconds(20), collector.consumer());
            }
            EXPECT_TRUE(capture.exhausted());
            const std::vector<LiveStatistics> statistics = capture.statistics();
            ASSERT_EQ(statistics.size(), 2U);
            EXPECT_EQ(statistics[0].received + statistics[1].received, collector.all());
            capture.drain(collector.consumer());
        });
}

// Voluntary switches of this thread: how often it slept and was woken.
long sleeps() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

TEST_F(LiveCaptureTest, SleepsWhileNothingHappens) {
    with_capture(
        options_for({"a1", "b1"}),
        [] {
            make_pair("a0", "a1");
            make_pair("b0", "b1");
        },
        [](LiveCapture& capture) {
            const auto sleeps_in_poll = [&capture] {
                const long before = sleeps();
                const Duration start = boot_clock_now();
                EXPECT_EQ(capture.poll(Duration::milliseconds(200), [](const Frame&) {}), 0U);
                EXPECT_GE(boot_clock_now() - start, Duration::milliseconds(200));
                return sleeps() - before;
            };
            EXPECT_LE(sleeps_in_poll(), 3);
            EXPECT_LT(wall_clock_now() - capture.complete_until(), Duration::milliseconds(200));
            run("ip link set a1 down");
            next_events(capture);
            EXPECT_LE(sleeps_in_poll(), 3) << "down";
            run("ip link del b1");
            next_events(capture, 2);
            EXPECT_LE(sleeps_in_poll(), 5) << "one has vanished";
            EXPECT_LE(sleeps_in_poll(), 3) << "one is gone";
            run("ip link del a1");
            next_events(capture);
            const Duration start = boot_clock_now();
            capture.poll(Duration::seconds(10), [](const Frame&) {});
            EXPECT_TRUE(capture.exhausted());
            EXPECT_LT(boot_clock_now() - start, one_second) << "nothing to wait for";
        });
}

TEST_F(LiveCaptureTest, CompleteUntilNeverPassesAFrameThatIsStillToCome) {
    for (const auto& interfaces : {Texts{"a1"}, Texts{"a1", "lo"}}) {
        with_capture(
            options_for(interfaces), [] { make_pair("a0", "a1"); },
            [](LiveCapture& capture) {
                FrameSender sender("a0");
                Timestamp complete;
                std::uint32_t late = 0;
                std::uint32_t seen = 0;
                for (std::uint32_t i = 0; i < 60; ++i) {
                    sender.send(i);
                    capture.poll(Duration::milliseconds(i % 13), [&](const Frame& frame) {
                        late += frame.time < complete ? 1U : 0U;
                        ++seen;
                    });
                    EXPECT_GE(capture.complete_until(), complete);
                    complete = capture.complete_until();
                }
                EXPECT_EQ(late, 0U);
                EXPECT_GT(seen, 30U);
            });
    }
}

TEST_F(LiveCaptureTest, WakeEndsAPoll) {
    with_capture(
        options_for({"lo"}), [] {},
        [](LiveCapture& capture) {
            const Duration start = boot_clock_now();
            std::thread waker([&capture] {
                std::this_thread::sleep_for(std::chrono::milliseconds(50));
                capture.wake();
            });
            EXPECT_EQ(capture.poll(Duration::seconds(5), [](const Frame&) {}), 0U);
            waker.join();
            EXPECT_LT(boot_clock_now() - start, one_second);
            // Once, and also when it came before the poll.
            capture.wake();
            EXPECT_EQ(capture.poll(Duration::seconds(5), [](const Frame&) {}), 0U);
            capture.poll(Duration::milliseconds(30), [](const Frame&) {});
            EXPECT_GE(boot_clock_now() - start, Duration::milliseconds(80));
            EXPECT_LT(boot_clock_now() - start, one_second);
        });
}

TEST_F(LiveCaptureTest, TakesTheFirstUsableInterface) {
    with_capture(
        options_for({}),
        [] {
            run("ip link add down0 type veth peer name down1");
            run("ip link set down0 up");  // without a carrier: its peer is down
            make_pair("good0", "good1");
        },
        [](LiveCapture& capture) {
            // The kernel numbers the far end of a pair first.
            ASSERT_EQ(capture.interfaces().size(), 1U);
            EXPECT_EQ(capture.interfaces()[0].name, "good1");
        });
}

TEST_F(LiveCaptureTest, ErrorsNameCauseAndNextStep) {
    in_network_namespace([] {
        EXPECT_EQ(open_error(options_for({})),
                  "no interface but loopback is up and running: name one with -i (there are: any, "
                  "lo)");
        EXPECT_EQ(open_error(options_for({"lo", "eth9"})),
                  "no such interface: 'eth9' (there are: any, lo)");
        EXPECT_EQ(open_error(options_for({"a-name-that-is-longer-than-any\n"})),
                  "no such interface: 'a-name-that-is-longer-than-any?' (there are: any, lo)");
        EXPECT_EQ(open_error(options_for({""})), "no such interface: '' (there are: any, lo)");
        run("ip link add v0 type veth peer name v1");
        EXPECT_EQ(open_error(options_for({"v0"})),
                  "interface v0 is down: bring it up with 'ip link set v0 up' and start again");
        LiveOptions large = options_for({"lo"});
        large.buffer_megabytes = 2048;
        EXPECT_EQ(open_error(large), "a capture buffer of 2048 MB is too large: at most 2047 MB");
    });
}

TEST_F(LiveCaptureTest, WithoutPermissionTheErrorSaysHowToGetIt) {
    std::array<int, 2> ends{};
    ASSERT_EQ(::pipe(ends.data()), 0);
    const UniqueFd reading(ends[0]);
    UniqueFd writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        std::string text = "cannot become nobody";
        if (::setresuid(65534, 65534, 65534) == 0) {
            text = open_error(options_for({"lo"}));
        }
        ::_exit(::write(writing.get(), text.data(), text.size()) > 0 ? 0 : 1);
    }
    writing.reset();
    std::array<char, 1024> buffer{};
    const ssize_t length = ::read(reading.get(), buffer.data(), buffer.size());
    ::waitpid(child, nullptr, 0);
    ASSERT_GT(length, 0);
    const std::string text(buffer.data(), static_cast<std::size_t>(length));
    EXPECT_EQ(text.rfind("no permission to capture on lo: use sudo, or allow it once with 'sudo "
                         "setcap cap_net_raw+ep /",
                         0),
              0U)
        << text;
}

TEST_F(LiveCaptureTest, FindsAnInterfaceByItsAlternativeNameOnce) {
    with_capture(
        options_for({"an-alternative-name-beyond-16-octets", "a1"}),
        [] {
            make_pair("a0", "a1");
            run("ip link property add dev a1 altname "
                "an-alternative-name-beyond-16-octets");
        },
        [](LiveCapture& capture) {
            ASSERT_EQ(capture.interfaces().size(), 1U);
            EXPECT_EQ(capture.interfaces()[0].name, "a1");
        });
}

}  // namespace
}  // namespace tcpeek
