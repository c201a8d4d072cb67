#include "app/printer.h"

#include <fmt/format.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <system_error>
#include <utility>

#include "output/json.h"
#include "output/table.h"

namespace tcpeek {
namespace {

using namespace std::chrono_literals;

// Standard error in pieces, so that a long burst of records is seen as it comes.
constexpr std::size_t kFlushOctets = 64 * 1'024;
// A file that is read faster than this needs no progress line.
constexpr auto kProgressAfter = 1s;
constexpr auto kProgressEvery = 200ms;
constexpr auto kIdleWait = std::chrono::milliseconds(std::chrono::hours(1));

}  // namespace

Printer::Printer(PrinterConfig config, DisplayQueue& queue, const Progress& progress,
                 Handlers handlers)
    : config_(std::move(config)),
      queue_(queue),
      progress_(progress),
      handlers_(std::move(handlers)),
      standard_output_(STDOUT_FILENO),
      standard_error_(STDERR_FILENO),
      thread_([this] { run(); }) {}

Printer::~Printer() {
    join();
}

void Printer::give_up_after(std::chrono::milliseconds patience) {
    standard_output_.give_up_after(patience);
    standard_error_.give_up_after(patience);
}

void Printer::join() {
    if (thread_.joinable()) {
        thread_.join();
    }
}

void Printer::run() {
    ::pthread_setname_np(::pthread_self(), "printer");
    const auto started = std::chrono::steady_clock::now();
    std::vector<DisplayItem> items;
    while (queue_.take_all(items, config_.progress ? kProgressEvery : kIdleWait)) {
        for (const DisplayItem& item : items) {
            render(item);
            if (output_text_.size() + error_text_.size() >= kFlushOctets) {
                flush();
            }
        }
        flush();
        if (config_.progress && std::chrono::steady_clock::now() - started > kProgressAfter) {
            show_progress();
        }
    }
    clear_progress();
    ended_.release();
}

void Printer::render(const DisplayItem& item) {
    const JsonNames names{config_.filter_names};
    if (const auto* line = std::get_if<RecordItem>(&item)) {
        if (config_.json && output_closed_) {
            ++undisplayed_;
        } else if (config_.json) {
            output_text_ += render_json(line->record, names, line->filters, line->interface);
            ++records_in_output_;
        } else if (outcome_of(line->record.cause) != Outcome::pending) {
            error_text_ += render_table_line(
                line->record, config_.colour ? TableStyle::colour : TableStyle::plain);
        }
    } else if (const auto* event = std::get_if<EventItem>(&item)) {
        if (config_.json) {
            output_text_ += render_json(event->event, names, event->filters);
            ++records_in_output_;
        }
    } else if (const auto* notice = std::get_if<NoticeItem>(&item)) {
        error_text_ += notice->line;
    } else if (const auto* renamed = std::get_if<FilterNamesItem>(&item)) {
        config_.filter_names = renamed->names;
    } else if (const auto* summary = std::get_if<SummaryItem>(&item)) {
        flush();
        SummaryView view = summary->summary;
        view.capture.undisplayed = queue_.undisplayed() + undisplayed_ + (rest_of_line_ ? 1U : 0U);
        error_text_ += render_summary(view);
    }
}

void Printer::flush() {
    flush_error();
    if (output_text_.empty()) {
        return;
    }
    if (!output_closed_) {
        write_output();
        flush_error();
    }
    if (output_closed_) {
        undisplayed_ += records_in_output_;
        output_text_.clear();
        records_in_output_ = 0;
    }
}

void Printer::flush_error() {
    if (!error_text_.empty()) {
        clear_progress();
        write_standard_error();
        error_text_.clear();
    }
}

void Printer::write_output() {
    const FdWriter::Outcome outcome = standard_output_.write(output_text_);
    if (outcome == FdWriter::Outcome::failed && config_.live &&
        (errno == ENOSPC || errno == EDQUOT)) {
        leave_out();
        return;
    }
    if (outcome != FdWriter::Outcome::written) {
        lose_output(outcome);
        return;
    }
    output_text_.clear();
    records_in_output_ = 0;
    rest_of_line_ = false;
    if (disk_full_) {
        disk_full_ = false;
        warn(fmt::format("standard output takes records again; {} were left out", left_out_));
        left_out_ = 0;
    }
}

void Printer::leave_out() {
    const std::string why = std::generic_category().message(errno);
    const std::size_t written = output_text_.size() - standard_output_.unwritten();
    const std::size_t line_end = output_text_.find('\n', written) + 1;
    // The rest of a line stays the first thing that is written when there is room.
    const bool line_begun = written > 0 ? output_text_[written - 1] != '\n' : rest_of_line_;
    const std::size_t keep_until = line_begun ? line_end : written;
    const auto lost = static_cast<std::uint64_t>(std::count(
        output_text_.begin() + static_cast<std::ptrdiff_t>(keep_until), output_text_.end(), '\n'));
    undisplayed_ += lost;
    left_out_ += lost;
    output_text_ = output_text_.substr(written, keep_until - written);
    rest_of_line_ = line_begun;
    records_in_output_ = line_begun ? 1 : 0;
    if (!disk_full_) {
        disk_full_ = true;
        warn(
            fmt::format("cannot write to standard output: {}; records are left out until it takes "
                        "them again",
                        why));
    }
}

void Printer::warn(const std::string& what) {
    error_text_ += fmt::format("tcpeek: {}\n", what);
    handlers_.warn(what);
}

void Printer::write_standard_error() {
    if (standard_error_.write(error_text_) == FdWriter::Outcome::failed && errno != EBADF) {
        standard_error_lost_ = Error{fmt::format("cannot write to standard error: {}",
                                                 std::generic_category().message(errno))};
    }
}

void Printer::lose_output(FdWriter::Outcome outcome) {
    std::optional<Error> error;
    if (outcome == FdWriter::Outcome::failed) {
        error = Error{
            fmt::format("cannot write to standard output: {}; the records from here on are lost",
                        std::generic_category().message(errno))};
    }
    output_closed_ = true;
    queue_.abandon();
    if (outcome != FdWriter::Outcome::timed_out) {
        handlers_.output_lost(error);
    }
}

void Printer::show_progress() {
    constexpr double kMegabyte = 1e6;
    const auto read = static_cast<double>(progress_.bytes_read.load()) / kMegabyte;
    const auto in_all = static_cast<double>(progress_.bytes_in_all.load()) / kMegabyte;
    const std::string line = in_all > 0 ? fmt::format("\r\x1b[Kread {:.1f} of {:.1f} MB ({:.0f} %)",
                                                      read, in_all, 100 * read / in_all)
                                        : fmt::format("\r\x1b[Kread {:.1f} MB", read);
    static_cast<void>(standard_error_.write(line));
    progress_shown_ = true;
}

void Printer::clear_progress() {
    if (progress_shown_) {
        static_cast<void>(standard_error_.write("\r\x1b[K"));
        progress_shown_ = false;
    }
}

}  // namespace tcpeek
