// The file of a UNIX socket: made with its folder, a stale one replaced, gone at the end.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

namespace tcpeek {

// A listening socket and its file, mode 0660.
class SocketFile {
  public:
    // Makes missing folders above `path`. A file of another kind is never touched, a socket that
    // somebody listens on neither: the error names the process.
    static Result<SocketFile> listen(const std::string& path);

    // The process that listens on `path`, as far as this one may ask.
    static std::optional<std::string> listener(const std::string& path);

    SocketFile(SocketFile&& other) noexcept;
    SocketFile& operator=(SocketFile&&) = delete;
    // Removes the file if it is still the one that was made.
    ~SocketFile();

    // Gives the file, and the folder if it was made here, to another user, who can then remove it.
    Result<void> give_to(uid_t user, gid_t group);
    // The listening descriptor; from then on it belongs to the caller.
    UniqueFd take_descriptor() { return std::move(fd_); }

  private:
    SocketFile() = default;

    std::string path_;
    std::string made_folder_;  // the innermost; empty: it was there
    dev_t device_ = 0;
    ino_t inode_ = 0;
    UniqueFd fd_;
};

}  // namespace tcpeek
