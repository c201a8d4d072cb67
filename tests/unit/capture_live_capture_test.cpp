#include "capture/live_capture.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "live_capture_fixture.h"

namespace tcpeek {
namespace {

using namespace testing;

// Voluntary switches of this thread: how often it slept and was woken.
long sleeps() {
    rusage usage{};
    ::getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nvcsw;
}

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
                capture.poll(Duration::milliseconds(50), each_frame([&](const Frame& frame) {
                                 now = frames % 100 == 0 ? wall_clock_now() : now;
                                 ages = ages + (now - frame.time);
                                 ++frames;
                             }));
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
                EXPECT_EQ(capture.poll(Duration::milliseconds(200), [](const FrameBatch&) {}), 0U);
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
            capture.poll(Duration::seconds(10), [](const FrameBatch&) {});
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
                    capture.poll(Duration::milliseconds(i % 13),
                                 each_frame([&](const Frame& frame) {
                                     late += frame.time < complete ? 1U : 0U;
                                     ++seen;
                                 }));
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
            EXPECT_EQ(capture.poll(Duration::seconds(5), [](const FrameBatch&) {}), 0U);
            waker.join();
            EXPECT_LT(boot_clock_now() - start, one_second);
            // Once, and also when it came before the poll.
            capture.wake();
            EXPECT_EQ(capture.poll(Duration::seconds(5), [](const FrameBatch&) {}), 0U);
            capture.poll(Duration::milliseconds(30), [](const FrameBatch&) {});
            EXPECT_GE(boot_clock_now() - start, Duration::milliseconds(80));
            EXPECT_LT(boot_clock_now() - start, one_second);
        });
}

}  // namespace
}  // namespace tcpeek
