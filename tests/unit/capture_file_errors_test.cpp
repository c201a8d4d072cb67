#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <fstream>

#include "capture/file_magic.h"
#include "capture_file_support.h"

namespace tcpeek::testing {
namespace {

// Files in a folder of their own, so that the errors can be compared as a whole.
class CaptureFileErrors : public ::testing::Test {
  protected:
    void SetUp() override {
        std::string folder = ::testing::TempDir() + "/capture_errors_XXXXXX";
        ASSERT_NE(::mkdtemp(folder.data()), nullptr);
        folder_ = folder;
    }
    void TearDown() override {
        for (const std::string& file : files_) {
            ::unlink(file.c_str());
        }
        ::rmdir(folder_.c_str());
    }

    std::string write(const std::string& name, const Octets& octets) {
        files_.push_back(folder_ + "/" + name);
        std::ofstream file(files_.back(), std::ios::binary);
        for (const std::uint8_t octet : octets) {
            file.put(static_cast<char>(octet));
        }
        return files_.back();
    }

    std::string folder_;
    std::vector<std::string> files_;
};

TEST_F(CaptureFileErrors, MissingFile) {
    const std::string path = folder_ + "/nope.pcap";
    EXPECT_EQ(read_path(path).error,
              "cannot open " + path + ": No such file or directory; check the name given to -r");
    EXPECT_EQ(read_path(path + "\nx").error,
              "cannot open " + path + "?x: No such file or directory; check the name given to -r");
}

TEST_F(CaptureFileErrors, Directory) {
    EXPECT_EQ(read_path(folder_).error,
              "cannot read " + folder_ +
                  ": it is a directory; give each capture file in it a -r of its own");
}

TEST_F(CaptureFileErrors, UnreadableFile) {
    const std::string path = write("secret.pcap", FileBytes().pcap_header().octets());
    ASSERT_EQ(::chmod(path.c_str(), 0), 0);
    const bool is_root = ::geteuid() == 0;
    if (is_root) {
        ASSERT_EQ(::chmod(folder_.c_str(), 0755), 0);
        ASSERT_EQ(::seteuid(65'534), 0);
    }
    const std::string error = read_path(path).error;
    if (is_root) {
        ASSERT_EQ(::seteuid(0), 0);
    }
    EXPECT_EQ(error, "cannot open " + path +
                         ": Permission denied; make it readable for this user, or use sudo");
}

TEST_F(CaptureFileErrors, FailingRead) {
    EXPECT_EQ(read_path("/proc/self/mem").error,
              "cannot read /proc/self/mem: Input/output error; check the device that it is on");
}

TEST_F(CaptureFileErrors, EmptyFile) {
    const std::string path = write("empty.pcap", {});
    EXPECT_EQ(read_path(path).error,
              path + " is empty, not even a file header is in it; check the program that wrote it");
}

TEST_F(CaptureFileErrors, NoCaptureFile) {
    const std::string path = write("notes.txt", text("# Captures of Monday"));
    EXPECT_EQ(read_path(path).error,
              path +
                  " is no capture file: it begins with 23 20 43 61 (\"# Ca\"), and tcpeek reads "
                  "pcap and pcapng; if Wireshark opens it, convert it: editcap -F pcapng " +
                  path + " - | tcpeek -r -");
    const std::string tiny = write("tiny file", {0xd4, 0xc3, 0xb2});
    EXPECT_EQ(read_path(tiny).error,
              tiny +
                  " is no capture file: it begins with d4 c3 b2, and tcpeek reads pcap and "
                  "pcapng; if Wireshark opens it, convert it: editcap -F pcapng '" +
                  tiny + "' - | tcpeek -r -");
    const std::string line_ends = write("text.pcapng", text("\n\r\r\n and nothing else here"));
    EXPECT_NE(read_path(line_ends).error.find(" is no capture file: it begins with 0a 0d 0d 0a, "),
              std::string::npos);
}

TEST_F(CaptureFileErrors, OtherCaptureFormats) {
    const std::string snoop =
        write("a.snoop", {'s', 'n', 'o', 'o', 'p', 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 4});
    EXPECT_EQ(read_path(snoop).error,
              snoop +
                  " is a Solaris snoop capture, and tcpeek reads pcap and pcapng; convert it: "
                  "editcap -F pcapng " +
                  snoop + " - | tcpeek -r -");
    const std::string navtel =
        write("a.pcap", FileBytes().pcap_header({.magic = 0xa12b3c4d}).octets());
    EXPECT_NE(read_path(navtel).error.find(" is a pcap variant of Navtel, and tcpeek reads "),
              std::string::npos);
}

struct CompressedCase {
    const char* format;
    Octets start;
    const char* command;
};

TEST_F(CaptureFileErrors, CompressedFilesNameTheCommandThatUnpacksThem) {
    const CompressedCase cases[] = {
        {"gzip", {0x1f, 0x8b, 0x08, 0x00}, "zcat"},
        {"compress", {0x1f, 0x9d, 0x90, 0x00}, "zcat"},
        {"bzip2", {'B', 'Z', 'h', '9', 0x31, 0x41}, "bzcat"},
        {"xz", {0xfd, '7', 'z', 'X', 'Z', 0x00}, "xzcat"},
        {"zstd", {0x28, 0xb5, 0x2f, 0xfd}, "zstdcat"},
        {"lz4", {0x04, 0x22, 0x4d, 0x18}, "lz4cat"},
        {"lzip", {'L', 'Z', 'I', 'P', 1}, "lzip -dc"},
        {"zip", {'P', 'K', 3, 4}, "funzip"},
    };
    for (const CompressedCase& c : cases) {
        for (const std::size_t size : {c.start.size(), std::size_t{200}}) {
            Octets octets = c.start;
            octets.resize(size);
            const std::string path = write("monday's capture", octets);
            const std::string word = "'" + folder_ + "/monday'\\''s capture'";
            EXPECT_EQ(read_path(path).error, path + " is compressed with " + c.format +
                                                 "; unpack it into a pipe: " + c.command + " " +
                                                 word + " | tcpeek -r -");
        }
    }
}

TEST(FileMagic, QuotesOnlyWhatTheShellWouldChange) {
    EXPECT_EQ(quoted_for_shell("/tmp/a-b_c.pcap,1@x:2%3+=~"), "'/tmp/a-b_c.pcap,1@x:2%3+=~'");
    EXPECT_EQ(quoted_for_shell("/tmp/a-b_c.pcap"), "/tmp/a-b_c.pcap");
    EXPECT_EQ(quoted_for_shell("-x.pcap"), "./-x.pcap");
    EXPECT_EQ(quoted_for_shell("a b$(c)"), "'a b$(c)'");
    EXPECT_EQ(quoted_for_shell(""), "''");
}

}  // namespace
}  // namespace tcpeek::testing
