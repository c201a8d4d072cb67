// The thread that turns records into text and writes it.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <vector>

#include "app/display_queue.h"
#include "app/fd_writer.h"
#include "base/result.h"

namespace tcpeek {

struct PrinterConfig {
    bool json = false;    // JSON lines on standard output instead of the table
    bool colour = false;  // standard error is a terminal and the user does not object
    bool progress = false;
    bool live = false;  // a full disk is waited out, and records are left out meanwhile
    std::vector<std::string> filter_names;
};

// How far the reading of files has come; written by the capture thread.
struct Progress {
    std::atomic<std::uint64_t> bytes_read = 0;
    std::atomic<std::uint64_t> bytes_in_all = 0;  // 0: not known
};

class Printer {
  public:
    // Both are called on the printer's thread.
    struct Handlers {
        // At most once, when standard output takes no more: with an error, or without one when its
        // reader has gone away.
        std::function<void(const std::optional<Error>&)> output_lost;
        // A disk became full or has room again.
        std::function<void(const std::string&)> warn;
    };

    // `queue` and `progress` must outlive it.
    Printer(PrinterConfig config, DisplayQueue& queue, const Progress& progress, Handlers handlers);
    // The queue must be closed by then.
    ~Printer();

    // The program is ending: records that a slow reader does not take within `patience` are counted
    // as undisplayed.
    void give_up_after(std::chrono::milliseconds patience);

    // Whether everything is written, or will be before `timeout` is over.
    [[nodiscard]] bool ends_within(std::chrono::milliseconds timeout) {
        return ended_.try_acquire_for(timeout);
    }
    // Waits until everything is written.
    void join();

    [[nodiscard]] std::uint64_t undisplayed() const { return undisplayed_.load(); }
    // After `join`: why something could not be written to standard error. Its reader may go away,
    // and who starts tcpeek may close it.
    [[nodiscard]] const std::optional<Error>& standard_error_lost() const {
        return standard_error_lost_;
    }

  private:
    void run();
    void render(const DisplayItem& item);
    void flush();
    void write_standard_error();
    void flush_error();
    void write_output();
    void lose_output(FdWriter::Outcome outcome);
    // The disk is full: leaves out what was not written, but for the rest of a line that was begun.
    void leave_out();
    void warn(const std::string& what);
    void show_progress();
    void clear_progress();

    PrinterConfig config_;
    DisplayQueue& queue_;
    const Progress& progress_;
    Handlers handlers_;
    FdWriter standard_output_;
    FdWriter standard_error_;
    std::string output_text_;
    std::string error_text_;
    std::uint64_t records_in_output_ = 0;
    std::optional<Error> standard_error_lost_;
    std::uint64_t left_out_ = 0;  // since the disk became full
    bool disk_full_ = false;
    bool rest_of_line_ = false;  // `output_text_` begins within a line
    bool output_closed_ = false;
    bool progress_shown_ = false;
    std::atomic<std::uint64_t> undisplayed_ = 0;
    std::binary_semaphore ended_{0};
    std::thread thread_;
};

}  // namespace tcpeek
