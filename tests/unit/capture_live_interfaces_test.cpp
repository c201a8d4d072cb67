#include "capture/live_capture.h"

#include <sys/wait.h>
#include <unistd.h>

#include "live_capture_fixture.h"

namespace tcpeek {
namespace {

using namespace testing;

using LiveInterfaces = LiveCaptureTest;

TEST_F(LiveInterfaces, GoesOnWhenAnInterfaceWasDown) {
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

TEST_F(LiveInterfaces, FollowsARenamedInterface) {
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

TEST_F(LiveInterfaces, WaitsForAnInterfaceThatIsAbsentDownOrVanishes) {
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

TEST_F(LiveInterfaces, TheOthersGoOnWhenAnInterfaceVanishes) {
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

TEST_F(LiveInterfaces, TakesTheFirstUsableInterface) {
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

TEST_F(LiveInterfaces, ErrorsNameCauseAndNextStep) {
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

TEST_F(LiveInterfaces, WithoutPermissionTheErrorSaysHowToGetIt) {
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

TEST_F(LiveInterfaces, FindsAnInterfaceByItsAlternativeNameOnce) {
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
