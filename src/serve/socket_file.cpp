#include "serve/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>

namespace tcpeek {
namespace {

// Connects beyond it fail at once for clients that do not block.
constexpr int kBacklog = SOMAXCONN;
constexpr mode_t kWithoutOthersAndExecution = 0117;  // leaves 0660

std::string reason(int error) {
    return std::generic_category().message(error);
}

Error cannot_make(const std::string& path, const std::string& why) {
    return Error{
        fmt::format("cannot make the statistics socket {}: {}; choose another with -U "
                    "PATH, or -U none for no socket",
                    path, why)};
}

std::optional<sockaddr_un> address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return std::nullopt;
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

const sockaddr* generic(const sockaddr_un& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

std::string name_of_process(pid_t pid) {
    std::ifstream file(fmt::format("/proc/{}/comm", pid));
    std::string name;
    std::getline(file, name);
    return name.empty() ? fmt::format("process {}", pid)
                        : fmt::format("{} (process {})", name, pid);
}

// Who listens on the socket, or (an empty error) that nobody does, or why that is not known.
Result<std::string> listener_of(const sockaddr_un& address) {
    const UniqueFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    // EAGAIN: somebody listens, and has too many connects waiting.
    if (::connect(probe.get(), generic(address), sizeof address) != 0 && errno != EAGAIN) {
        return errno == ECONNREFUSED ? Error{} : Error{reason(errno)};
    }
    ucred peer{};
    socklen_t size = sizeof peer;
    const bool known =
        ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0;
    return known ? name_of_process(peer.pid) : std::string("another process");
}

// Nothing is in the way, or what was is a stale socket and removed now.
Result<void> clear_the_way(const std::string& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) {
        return errno == ENOENT ? Result<void>() : cannot_make(path, reason(errno));
    }
    if (!S_ISSOCK(status.st_mode)) {
        return cannot_make(path, "a file that is no socket is there, and it is not touched");
    }
    const Result<std::string> listener = listener_of(address);
    if (listener) {
        return cannot_make(path, fmt::format("{} listens on it", listener.value()));
    }
    if (!listener.error().message.empty()) {
        return cannot_make(path, listener.error().message);
    }
    return ::unlink(path.c_str()) == 0 ? Result<void>() : cannot_make(path, reason(errno));
}

}  // namespace

Result<SocketFile> SocketFile::listen(const std::string& path) {
    const auto address = address_of(path);
    if (!address) {
        return cannot_make(
            path, fmt::format("the path has {} octets, and 107 are the most", path.size()));
    }
    SocketFile file;
    const std::filesystem::path folder = std::filesystem::path(path).has_parent_path()
                                             ? std::filesystem::path(path).parent_path()
                                             : std::filesystem::path(".");
    std::error_code error;
    if (std::filesystem::create_directories(folder, error)) {
        file.made_folder_ = folder.string();
    }
    if (error) {
        return cannot_make(path, fmt::format("folder {}: {}", folder.string(), error.message()));
    }
    // Two that start at once must not both find a stale socket and remove each other's new one.
    const UniqueFd folder_fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_fd.valid() || ::flock(folder_fd.get(), LOCK_EX) != 0) {
        return cannot_make(path, fmt::format("folder {}: {}", folder.string(), reason(errno)));
    }
    if (const Result<void> clear = clear_the_way(path, *address); !clear) {
        return clear.error();
    }
    file.fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const mode_t mask = ::umask(kWithoutOthersAndExecution);
    const bool bound = ::bind(file.fd_.get(), generic(*address), sizeof *address) == 0;
    const int bind_error = errno;
    ::umask(mask);
    struct stat status {};
    if (!bound || ::listen(file.fd_.get(), kBacklog) != 0 || ::lstat(path.c_str(), &status) != 0) {
        return cannot_make(path, reason(bound ? errno : bind_error));
    }
    file.path_ = std::filesystem::absolute(path).string();
    file.device_ = status.st_dev;
    file.inode_ = status.st_ino;
    return file;
}

std::optional<std::string> SocketFile::listener(const std::string& path) {
    const auto address = address_of(path);
    Result<std::string> found = address ? listener_of(*address) : Error{};
    return found ? std::optional(std::move(found).value()) : std::nullopt;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      made_folder_(std::move(other.made_folder_)),
      device_(other.device_),
      inode_(other.inode_),
      fd_(std::move(other.fd_)) {}

SocketFile::~SocketFile() {
    struct stat status {};
    if (!path_.empty() && ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
        status.st_ino == inode_) {
        ::unlink(path_.c_str());
    }
}

Result<void> SocketFile::give_to(uid_t user, gid_t group) {
    for (const std::string& path : {path_, made_folder_}) {
        if (!path.empty() && ::lchown(path.c_str(), user, group) != 0) {
            return Error{fmt::format("cannot give {} to user {}: {}", path, user, reason(errno))};
        }
    }
    return {};
}

}  // namespace tcpeek
