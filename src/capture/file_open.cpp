#include "capture/file_open.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "capture/file_magic.h"

namespace tcpeek {
namespace {

std::string_view next_step_after(int error_number) {
    switch (error_number) {
        case ENOENT:
        case ENOTDIR:
            return "check the name given to -r";
        case EACCES:
        case EPERM:
            return "make it readable for this user, or use sudo";
        case EBADF:
            return "redirect a file or pipe into it";
        default:
            return "check the device that it is on";
    }
}

Error cannot_open(const std::string& path, int error_number) {
    return {fmt::format("cannot open {}: {}; {}", display_name(path), std::strerror(error_number),
                        next_step_after(error_number))};
}

// The command that turns the file into one that we read.
std::string conversion(const std::string& path) {
    return fmt::format("editcap -F pcapng {} - | tcpeek -r -", quoted_for_shell(path));
}

Error compressed(const std::string& path, const Compression& compression) {
    if (path == "-") {
        return {
            fmt::format("standard input is compressed with {}; unpack it on the way: ... | {} "
                        "| tcpeek -r -",
                        compression.format, compression.command)};
    }
    return {fmt::format("{} is compressed with {}; unpack it into a pipe: {} {} | tcpeek -r -",
                        display_name(path), compression.format, compression.command,
                        quoted_for_shell(path))};
}

}  // namespace

std::string display_name(const std::string& path) {
    if (path == "-") {
        return "standard input";
    }
    const auto is_control = [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; };
    std::string name = path;
    std::replace_if(name.begin(), name.end(), is_control, '?');
    return name;
}

Result<UniqueFd> open_input(const std::string& path) {
    // Without O_NONBLOCK a named pipe would be waited for here, where nothing can wake us up.
    UniqueFd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                            : ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    struct stat status {};
    if (!fd.valid() || ::fstat(fd.get(), &status) != 0) {
        return cannot_open(path, errno);
    }
    if (S_ISDIR(status.st_mode)) {
        return Error{fmt::format(
            "cannot read {}: it is a directory; give each capture file in it a -r of its own",
            display_name(path))};
    }
    if (::isatty(fd.get()) != 0) {
        return Error{
            fmt::format("cannot read a capture from {}: it is a terminal; pipe one into "
                        "it, e.g. tcpdump -w - | tcpeek -r -",
                        display_name(path))};
    }
    return fd;
}

Error cannot_read(const std::string& path, int error_number) {
    return {fmt::format("cannot read {}: {}; {}", display_name(path), std::strerror(error_number),
                        next_step_after(error_number))};
}

Error empty_file(const std::string& path) {
    return {
        fmt::format("{} is empty, not even a file header is in it; check the program that "
                    "wrote it",
                    display_name(path))};
}

Error cut_header(const std::string& path, std::uint64_t size) {
    return {
        fmt::format("{} ends at byte {} in the middle of its file header; copy or capture it "
                    "again",
                    display_name(path), size)};
}

Error damaged_header(const std::string& path, const std::string& flaw) {
    return {fmt::format("{} is damaged: {}; copy or capture it again", display_name(path), flaw)};
}

Error not_a_capture(const std::string& path, Bytes start) {
    if (const auto compression = compression_of(start)) {
        return compressed(path, *compression);
    }
    const std::string_view other = other_capture_format(start);
    if (!other.empty()) {
        return unsupported_capture(path,
                                   fmt::format("is {}, and tcpeek reads pcap and pcapng", other));
    }
    return {
        fmt::format("{} is no capture file: it begins with {}, and tcpeek reads pcap and "
                    "pcapng; if Wireshark opens it, convert it: {}",
                    display_name(path), describe_magic(start), conversion(path))};
}

Error unsupported_capture(const std::string& path, const std::string& why) {
    return {fmt::format("{} {}; convert it: {}", display_name(path), why, conversion(path))};
}

}  // namespace tcpeek
