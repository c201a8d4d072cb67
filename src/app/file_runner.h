// The capture thread's work when it reads capture files.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/mailbox.h"
#include "app/pipeline.h"
#include "app/printer.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "capture/capture_file.h"

namespace tcpeek {

// Everything it refers to must outlive it. Belongs to the capture thread, but for `wake`.
class FileRunner {
  public:
    // `heading` is shown when the first file could be opened.
    FileRunner(const std::vector<std::string>& files, Pipeline& pipeline, InterfaceNames& names,
               Mailbox& mailbox, DisplayQueue& queue, Progress& progress, std::string heading);

    // Opens every file, before rights are given up. What cannot be opened is told when its turn
    // comes.
    void open_all();

    // After `open_all`. Reads all files as one stream, in the order given. What is damaged gives
    // what it holds and a warning; the result is then an error whose line has been shown already
    // (empty).
    Result<void> run();

    // Ends a wait for bytes of a pipe, so that the mailbox is looked at; from any thread.
    void wake();

    [[nodiscard]] SummaryView summary() const;
    // Everything but what was not displayed, completed by Pipeline::continue_copy; on the capture
    // thread.
    void begin_copy(Snapshot& snapshot);
    // Whether any file could be opened: else the error lines say everything.
    [[nodiscard]] bool has_summary() const { return opened_any_; }

  private:
    Result<void> read(std::size_t place);
    // Nothing: asked to stop.
    std::optional<Result<CaptureFile>> open(std::size_t place);
    // Until nobody calls `wake` any more.
    void look_at_mailbox();

    const std::vector<std::string>& files_;
    std::vector<Result<UniqueFd>> opened_;  // by place in `files_`
    Pipeline& pipeline_;
    InterfaceNames& names_;
    Mailbox& mailbox_;
    DisplayQueue& queue_;
    Progress& progress_;
    std::string heading_;
    bool opened_any_ = false;
    UniqueFd wake_fd_;
    Timestamp started_;  // wall clock
};

}  // namespace tcpeek
