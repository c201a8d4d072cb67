#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

// A pipe with a path for its reading end.
class Pipe {
  public:
    Pipe() {
        std::array<int, 2> ends{-1, -1};
        EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
        reading_ = UniqueFd(ends[0]);
        writing_ = UniqueFd(ends[1]);
    }
    [[nodiscard]] std::string path() const {
        return "/proc/self/fd/" + std::to_string(reading_.get());
    }
    [[nodiscard]] int reading_end() const { return reading_.get(); }
    void close_writing_end() { writing_.reset(); }
    void write(const Octets& octets) {
        EXPECT_EQ(::write(writing_.get(), octets.data(), octets.size()),
                  static_cast<ssize_t>(octets.size()));
    }

  private:
    UniqueFd reading_;
    UniqueFd writing_;
};

// Set before a call, it turns every wait into an interruption: a test that would hang fails.
class WakeUp {
  public:
    WakeUp() : fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    [[nodiscard]] int fd() const { return fd_.get(); }
    void set() { EXPECT_EQ(::eventfd_write(fd_.get(), 1), 0); }
    void clear() {
        eventfd_t value = 0;
        EXPECT_EQ(::eventfd_read(fd_.get(), &value), 0);
    }

  private:
    UniqueFd fd_;
};

Octets record(std::size_t size, std::size_t seed) {
    return FileBytes().pcap_record(seed, 0, pattern(size, seed)).octets();
}

TEST(CaptureFilePipe, HandsOutAWholeFrameBeforeItWaits) {
    Pipe pipe;
    WakeUp wake;
    InterfaceNames names;
    FileBytes start;
    start.pcap_header().raw(record(40, 1)).raw(record(50, 2));
    pipe.write(start.octets());
    auto file = CaptureFile::open(pipe.path(), names, wake.fd());
    ASSERT_TRUE(file.ok());
    EXPECT_FALSE(file.value().size().has_value());
    wake.set();
    Frame frame;
    ASSERT_TRUE(file.value().next(frame));
    EXPECT_EQ(copy_of(frame, names).bytes, pattern(40, 1));
    ASSERT_TRUE(file.value().next(frame));
    EXPECT_EQ(copy_of(frame, names).bytes, pattern(50, 2));
    EXPECT_FALSE(file.value().next(frame));
    EXPECT_TRUE(file.value().interrupted());
    EXPECT_FALSE(file.value().damage().has_value());
}

TEST(CaptureFilePipe, TakesUpItsBeginningAgainAfterAnInterruption) {
    for (const bool pcapng : {false, true}) {
        Pipe pipe;
        WakeUp wake;
        InterfaceNames names;
        FileBytes start;
        if (pcapng) {
            start.section().interface(1, 0).enhanced(0, 1, pattern(40, 1));
        } else {
            start.pcap_header().raw(record(40, 1));
        }
        constexpr std::size_t kFirst = 10;  // less than either header
        const auto middle = start.octets().begin() + kFirst;
        std::thread writer([&] {
            pipe.write({start.octets().begin(), middle});
            std::this_thread::sleep_for(std::chrono::milliseconds(30));  // until that is read
            wake.set();
        });
        auto file = CaptureFile::take(UniqueFd(::open(pipe.path().c_str(), O_RDONLY | O_CLOEXEC)),
                                      pipe.path(), names, wake.fd(), [&] {
                                          wake.clear();
                                          pipe.write({middle, start.octets().end()});
                                          return true;
                                      });
        writer.join();
        ASSERT_TRUE(file.ok()) << file.error().message;
        Frame frame;
        ASSERT_TRUE(file.value().next(frame));
        EXPECT_EQ(copy_of(frame, names).bytes, pattern(40, 1));
    }
}

TEST(CaptureFilePipe, EndsItsBeginningWhenItShallNotGoOn) {
    Pipe silent;
    WakeUp wake;
    InterfaceNames names;
    wake.set();
    int asked = 0;
    const auto file =
        CaptureFile::take(UniqueFd(::open(silent.path().c_str(), O_RDONLY | O_CLOEXEC)), "silent",
                          names, wake.fd(), [&] { return ++asked < 3; });
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(asked, 3);
    EXPECT_EQ(file.error().message, "interrupted before silent gave its file header");
}

TEST(CaptureFilePipe, GoesOnAfterAnInterruption) {
    for (const bool pcapng : {false, true}) {
        Pipe pipe;
        WakeUp wake;
        InterfaceNames names;
        FileBytes start;
        FileBytes rest;
        if (pcapng) {
            start.section().interface(1, 0);
            rest.block(0xbad, FileBytes().raw(pattern(100))).enhanced(0, 1, pattern(40, 1));
        } else {
            start.pcap_header();
            rest.raw(record(40, 1));
        }
        pipe.write(start.octets());
        auto file = CaptureFile::open(pipe.path(), names, wake.fd());
        ASSERT_TRUE(file.ok());
        Frame frame;
        for (std::size_t i = 0; i < rest.size(); ++i) {
            wake.set();
            EXPECT_FALSE(file.value().next(frame));
            EXPECT_TRUE(file.value().interrupted());
            wake.clear();
            pipe.write({rest.octets()[i]});
        }
        ASSERT_TRUE(file.value().next(frame));
        EXPECT_FALSE(file.value().interrupted());
        EXPECT_EQ(copy_of(frame, names).bytes, pattern(40, 1));
        pipe.close_writing_end();
        EXPECT_FALSE(file.value().next(frame));
        EXPECT_FALSE(file.value().interrupted());
        EXPECT_FALSE(file.value().damage().has_value());
    }
}

TEST(CaptureFilePipe, ReadsWhatComesInPiecesOfAnySize) {
    FileBytes bytes;
    bytes.pcap_header();
    for (std::size_t i = 0; i < 300; ++i) {
        bytes.raw(record(i * 5, i));
    }
    for (const std::size_t piece : {1U, 3U, 17U, 4'096U, 65'536U}) {
        Pipe pipe;
        std::thread writer([&] {
            for (std::size_t at = 0; at < bytes.size(); at += piece) {
                const auto begin = bytes.octets().begin() + static_cast<std::ptrdiff_t>(at);
                const auto size = std::min(piece, bytes.size() - at);
                pipe.write(Octets(begin, begin + static_cast<std::ptrdiff_t>(size)));
            }
            pipe.close_writing_end();
        });
        const ReadResult result = read_path(pipe.path());
        writer.join();
        EXPECT_EQ(result.damage, "");
        ASSERT_EQ(result.packets.size(), 300U);
        for (std::size_t i = 0; i < 300; ++i) {
            ASSERT_EQ(result.packets[i].bytes, pattern(i * 5, i)) << "packet " << i;
        }
    }
}

TEST(CaptureFilePipe, AWriterThatGoesAwayMidPacketLeavesADamagedFile) {
    Pipe pipe;
    FileBytes start;
    start.pcap_header().raw(record(40, 1)).raw(Octets(10));
    pipe.write(start.octets());
    pipe.close_writing_end();
    const ReadResult result = read_path(pipe.path());
    EXPECT_EQ(result.packets.size(), 1U);
    EXPECT_NE(result.damage.find(" ends at byte 90 in the middle of the packet record that begins "
                                 "at byte 80;"),
              std::string::npos)
        << result.damage;
}

TEST(CaptureFilePipe, WaitsForTheWriterOfANamedPipeUntilWokenUp) {
    const std::string path = ::testing::TempDir() + "/capture_fifo_" + std::to_string(::getpid());
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    WakeUp wake;
    wake.set();
    InterfaceNames names;
    const auto file = CaptureFile::open(path, names, wake.fd());
    ASSERT_FALSE(file.ok());
    EXPECT_EQ(file.error().message, "interrupted before " + path + " gave its file header");

    std::thread writer([&] {
        const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
        FileBytes bytes;
        bytes.pcap_header().raw(record(40, 1));
        EXPECT_EQ(::write(fd.get(), bytes.octets().data(), bytes.size()),
                  static_cast<ssize_t>(bytes.size()));
    });
    const ReadResult result = read_path(path);
    writer.join();
    EXPECT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.damage, "");
    ::unlink(path.c_str());
}

// Puts another file in the place of standard input for a while.
class StandardInput {
  public:
    explicit StandardInput(int fd) : kept_(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) {
        EXPECT_EQ(::dup2(fd, STDIN_FILENO), STDIN_FILENO);
    }
    StandardInput(const StandardInput&) = delete;
    StandardInput& operator=(const StandardInput&) = delete;
    ~StandardInput() {
        if (kept_.valid()) {
            ::dup2(kept_.get(), STDIN_FILENO);
        } else {
            ::close(STDIN_FILENO);
        }
    }

  private:
    UniqueFd kept_;
};

TEST(CaptureFilePipe, ADashIsStandardInput) {
    Pipe pipe;
    FileBytes bytes;
    bytes.section().interface(1, 0).enhanced(0, 1, pattern(20)).u32(6);
    pipe.write(bytes.octets());
    pipe.close_writing_end();
    const StandardInput replaced(pipe.reading_end());
    const ReadResult result = read_path("-");
    EXPECT_EQ(result.packets.size(), 1U);
    EXPECT_EQ(result.damage,
              "standard input ends at byte 104 in the middle of the block that begins at byte 100; "
              "the packets before it were read");
}

TEST(CaptureFilePipe, CompressedStandardInputNamesTheCommandToPutBefore) {
    Pipe pipe;
    pipe.write({0x28, 0xb5, 0x2f, 0xfd, 0x24, 0x00, 0x01, 0x00, 0x00, 0x99, 0xe9, 0xd8, 0x51});
    const StandardInput replaced(pipe.reading_end());
    EXPECT_EQ(read_path("-").error,
              "standard input is compressed with zstd; unpack it on the way: ... | zstdcat | "
              "tcpeek -r -");
}

// A connection whose far end resets it fails a read in the middle of the file.
TEST(CaptureFilePipe, AFailingReadIsDamageWithItsCause) {
    const UniqueFd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), generic, size), 0);
    ASSERT_EQ(::listen(listener.get(), 1), 0);
    ASSERT_EQ(::getsockname(listener.get(), generic, &size), 0);
    UniqueFd near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::connect(near.get(), generic, size), 0);
    UniqueFd far(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    FileBytes bytes;
    bytes.pcap_header().raw(record(40, 1)).raw(Octets(3));
    ASSERT_EQ(::write(far.get(), bytes.octets().data(), bytes.size()),
              static_cast<ssize_t>(bytes.size()));
    const StandardInput replaced(near.get());
    InterfaceNames names;
    auto file = CaptureFile::open("-", names);
    ASSERT_TRUE(file.ok());
    const linger abort{1, 0};
    ::setsockopt(far.get(), SOL_SOCKET, SO_LINGER, &abort, sizeof(abort));
    far.reset();
    Frame frame;
    EXPECT_TRUE(file.value().next(frame));
    EXPECT_FALSE(file.value().next(frame));
    ASSERT_TRUE(file.value().damage().has_value());
    EXPECT_EQ(file.value().damage()->message,
              "cannot read standard input beyond byte 83: Connection reset by peer; the packets "
              "before it were read");
}

}  // namespace
}  // namespace tcpeek::testing
