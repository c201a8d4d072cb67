// Reads capture files (pcap and pcapng) in blocks and hands out frames in place.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "capture/interface_names.h"
#include "dissect/frame.h"

namespace tcpeek {

// One file, read from its beginning to its end, or to where it is damaged.
class CaptureFile {
  public:
    // Opens `path` ("-": standard input) and reads its first header. Errors: it cannot be opened or
    // read, it is no capture file, or it is compressed (the error names the command that unpacks it
    // into a pipe). `names` must outlive the file. Bytes of a pipe are waited for until `wake_fd`
    // (-1: none; borrowed, e.g. an eventfd) becomes readable; here that is an error too.
    static Result<CaptureFile> open(const std::string& path, InterfaceNames& names,
                                    int wake_fd = -1);
    // The same for a file that is open already, e.g. from a time with more rights; `path` is only
    // its name in errors. When the wait for its first bytes is interrupted, `goes_on` (it may be
    // empty) is asked whether it shall be taken up again; nothing that came is lost.
    static Result<CaptureFile> take(UniqueFd fd, const std::string& path, InterfaceNames& names,
                                    int wake_fd = -1, const std::function<bool()>& goes_on = {});

    // Fills `frame` and returns true, or returns false at the end or when `interrupted`. The
    // frame's bytes are valid until the next call. A frame that has arrived as a whole is handed
    // out before more bytes are waited for.
    bool next(Frame& frame);

    // Fills as many of `frames` (at least one) as are in memory already or arrive with the first of
    // them; returns how many, and none where `next` would return false. All their bytes are valid
    // until the next call.
    std::size_t next(std::span<Frame> frames);

    // After `next` gave none: whether only because `wake_fd` became readable while it waited.
    // `next` may then be called again.
    [[nodiscard]] bool interrupted() const;

    // After `next` gave none: what is wrong with the file, with the byte offset; nothing at a
    // clean end.
    [[nodiscard]] const std::optional<Error>& damage() const;

    // For progress, from any thread: bytes taken from the file so far, and its size when it was
    // opened (nothing for pipes).
    [[nodiscard]] std::uint64_t bytes_read() const;
    [[nodiscard]] std::optional<std::uint64_t> size() const;

    CaptureFile(CaptureFile&&) noexcept;
    CaptureFile& operator=(CaptureFile&&) noexcept;
    ~CaptureFile();

  private:
    class Reader;
    explicit CaptureFile(std::unique_ptr<Reader> reader);

    std::unique_ptr<Reader> reader_;
};

}  // namespace tcpeek
