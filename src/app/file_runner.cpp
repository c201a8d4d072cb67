#include "app/file_runner.h"

#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <cstdint>

#include "capture/boot_clock.h"
#include "capture/capture_file.h"
#include "capture/file_open.h"

namespace tcpeek {
namespace {

// Between looks at the mailbox; a fraction of a millisecond's work.
constexpr unsigned kBatchesPerLook = 1'024 / Pipeline::kBatch;

std::uint64_t size_of(const UniqueFd& fd) {
    struct stat status {};
    const bool known = ::fstat(fd.get(), &status) == 0 && S_ISREG(status.st_mode);
    return known ? static_cast<std::uint64_t>(status.st_size) : 0;
}

// As many descriptors as the system lets us have: every file is open from the start.
void raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
    }
}

}  // namespace

FileRunner::FileRunner(const std::vector<std::string>& files, Pipeline& pipeline,
                       InterfaceNames& names, Mailbox& mailbox, DisplayQueue& queue,
                       Progress& progress, std::string heading)
    : files_(files),
      pipeline_(pipeline),
      names_(names),
      mailbox_(mailbox),
      queue_(queue),
      progress_(progress),
      heading_(std::move(heading)),
      wake_fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      started_(wall_clock_now()) {
    TCPEEK_ASSERT(wake_fd_.valid());
    pipeline_.on_waiting([this] { mailbox_.run_until_empty(); });
}

void FileRunner::wake() {
    static_cast<void>(::eventfd_write(wake_fd_.get(), 1));
}

Result<void> FileRunner::run() {
    std::uint64_t in_all = 0;
    for (const Result<UniqueFd>& opened : opened_) {
        in_all += opened ? size_of(opened.value()) : 0;
    }
    progress_.bytes_in_all.store(in_all);
    Result<void> result;
    for (std::size_t place = 0; place < files_.size(); ++place) {
        if (mailbox_.stop_requested()) {
            break;
        }
        if (Result<void> read_result = read(place); !read_result) {
            queue_.push_always(
                NoticeItem{fmt::format("tcpeek: {}\n", read_result.error().message)});
            result = Error{};
        }
    }
    pipeline_.finish();
    return result;
}

// A wait for the first bytes of a pipe ends when somebody wants something; it is taken up again
// unless that was to stop.
std::optional<Result<CaptureFile>> FileRunner::open(std::size_t place) {
    if (!opened_[place]) {
        return opened_[place].error();
    }
    const auto goes_on = [this] {
        look_at_mailbox();
        return !mailbox_.stop_requested();
    };
    Result<CaptureFile> opened = CaptureFile::take(std::move(opened_[place]).value(), files_[place],
                                                   names_, wake_fd_.get(), goes_on);
    if (!opened && mailbox_.stop_requested()) {
        return std::nullopt;
    }
    return opened;
}

void FileRunner::open_all() {
    raise_descriptor_limit();
    for (const std::string& path : files_) {
        opened_.push_back(open_input(path));
    }
}

Result<void> FileRunner::read(std::size_t place) {
    std::optional<Result<CaptureFile>> opened = open(place);
    if (!opened) {
        return {};
    }
    if (!*opened) {
        return opened->error();
    }
    CaptureFile file = std::move(*opened).value();
    if (!opened_any_) {
        opened_any_ = true;
        queue_.push_always(NoticeItem{heading_});
    }
    const std::uint64_t read_before = progress_.bytes_read.load();
    std::array<Frame, Pipeline::kBatch> frames;
    unsigned until_look = kBatchesPerLook;
    while (true) {
        const std::size_t count = file.next(std::span(frames));
        if (count == 0) {
            if (!file.interrupted()) {
                break;
            }
            look_at_mailbox();
        } else {
            pipeline_.take(std::span(frames).first(count));
            if (--until_look > 0) {
                continue;
            }
            until_look = kBatchesPerLook;
            progress_.bytes_read.store(read_before + file.bytes_read());
            mailbox_.run_all();
        }
        if (mailbox_.stop_requested()) {
            return {};
        }
    }
    progress_.bytes_read.store(read_before + file.bytes_read());
    if (file.damage()) {
        return Error{fmt::format("warning: {}", file.damage()->message)};
    }
    return {};
}

void FileRunner::look_at_mailbox() {
    eventfd_t count = 0;
    mailbox_.run_until_empty();
    while (::eventfd_read(wake_fd_.get(), &count) == 0) {
        mailbox_.run_until_empty();  // which may call `wake` itself
    }
}

void FileRunner::begin_copy(Snapshot& snapshot) {
    pipeline_.begin_copy(snapshot);
    snapshot.start = started_;
    snapshot.now = wall_clock_now();
}

SummaryView FileRunner::summary() const {
    return pipeline_.summary({});
}

}  // namespace tcpeek
