#include "capture/capture_file.h"

#include <fmt/core.h>

#include <cstring>
#include <utility>
#include <variant>

#include "base/assert.h"
#include "capture/file_input.h"
#include "capture/file_open.h"
#include "capture/pcap_reader.h"
#include "capture/pcapng_reader.h"

namespace tcpeek {
namespace {

using FormatReader = std::variant<PcapReader, PcapngReader>;

// Enough to tell pcapng, whose first four bytes alone could also be text.
constexpr std::size_t kRecognisedSize = 12;

}  // namespace

class CaptureFile::Reader {
  public:
    Reader(const std::string& path, UniqueFd fd, InterfaceNames& names, int wake_fd)
        : path_(path), name_(display_name(path)), input_(std::move(fd), wake_fd), names_(names) {}

    // Recognises the format and reads its first header. Takes nothing from the input before all of
    // it has come, so that it may be called again when it was interrupted.
    Result<void> begin();
    [[nodiscard]] bool begin_was_interrupted() const {
        return !format_ && input_.shortage() == FileInput::Shortage::interrupted;
    }
    std::size_t next(std::span<Frame> frames);

    [[nodiscard]] bool interrupted() const { return interrupted_; }
    [[nodiscard]] const std::optional<Error>& damage() const { return damage_; }
    [[nodiscard]] const FileInput& input() const { return input_; }

  private:
    Result<void> begin_pcap();
    Result<void> begin_pcapng();
    [[nodiscard]] Error cannot_begin() const;
    void conclude(FileStep step);
    void run_dry();

    std::string path_;
    std::string name_;
    FileInput input_;
    InterfaceNames& names_;
    std::optional<FormatReader> format_;
    bool ended_ = false;
    bool interrupted_ = false;
    std::optional<Error> damage_;
};

Result<void> CaptureFile::Reader::begin() {
    const bool enough = input_.need(kRecognisedSize);
    if (!enough && input_.shortage() != FileInput::Shortage::end) {
        return cannot_begin();
    }
    const Bytes start = input_.bytes();
    if (start.empty()) {
        return empty_file(path_);
    }
    if (PcapReader::recognises(start)) {
        return begin_pcap();
    }
    if (PcapngReader::recognises(start)) {
        return begin_pcapng();
    }
    return not_a_capture(path_, start);
}

Result<void> CaptureFile::Reader::begin_pcap() {
    auto reader = PcapReader::open(input_);
    if (!reader) {
        return unsupported_capture(path_, reader.error().message);
    }
    if (!reader.value()) {
        return cannot_begin();
    }
    format_ = *std::move(reader).value();
    return {};
}

Result<void> CaptureFile::Reader::begin_pcapng() {
    PcapngReader reader(names_);
    const auto failed = reader.open(input_);
    if (failed == FileStep::flawed) {
        return damaged_header(path_, reader.flaw());
    }
    if (failed) {
        return cannot_begin();
    }
    format_ = std::move(reader);
    return {};
}

// Why the input gave less than a file header.
Error CaptureFile::Reader::cannot_begin() const {
    switch (input_.shortage()) {
        case FileInput::Shortage::end:
            return cut_header(path_, input_.bytes_read());
        case FileInput::Shortage::failed:
            return cannot_read(path_, input_.error_number());
        case FileInput::Shortage::interrupted:
        case FileInput::Shortage::held:
            break;
    }
    return {fmt::format("interrupted before {} gave its file header", name_)};
}

std::size_t CaptureFile::Reader::next(std::span<Frame> frames) {
    interrupted_ = false;
    if (ended_) {
        return 0;
    }
    return std::visit(
        [&](auto& reader) {
            std::size_t count = reader.next_in_memory(input_, frames);
            FileStep step = FileStep::frame;
            while (count < frames.size() && step == FileStep::frame) {
                // The first may read on; the others must not move it.
                input_.hold(count > 0);
                step = reader.next(input_, frames[count]);
                if (step == FileStep::frame) {
                    ++count;
                    count += reader.next_in_memory(input_, frames.subspan(count));
                }
            }
            input_.hold(false);
            if (step != FileStep::frame) {
                conclude(step);
            }
            return count;
        },
        *format_);
}

void CaptureFile::Reader::conclude(FileStep step) {
    TCPEEK_ASSERT(step != FileStep::frame);
    if (step == FileStep::starved) {
        run_dry();
        return;
    }
    ended_ = true;
    const std::string& flaw = std::visit(
        [](const auto& reader) -> const std::string& { return reader.flaw(); }, *format_);
    damage_ = Error{fmt::format("{} is damaged: {}; the packets before it were read", name_, flaw)};
}

void CaptureFile::Reader::run_dry() {
    switch (input_.shortage()) {
        case FileInput::Shortage::held:
            return;
        case FileInput::Shortage::interrupted:
            interrupted_ = true;
            return;
        case FileInput::Shortage::failed:
            damage_ = Error{
                fmt::format("cannot read {} beyond byte {}: {}; the packets before it were read",
                            name_, input_.bytes_read(), std::strerror(input_.error_number()))};
            break;
        case FileInput::Shortage::end: {
            const auto [start, unit] = std::visit(
                [&](const auto& reader) {
                    return std::pair(reader.unit_start(input_), reader.kUnit);
                },
                *format_);
            if (input_.bytes_read() != start) {
                damage_ = Error{fmt::format(
                    "{} ends at byte {} in the middle of the {} that begins at byte {}; the "
                    "packets before it were read",
                    name_, input_.bytes_read(), unit, start)};
            }
            break;
        }
    }
    ended_ = true;
}

Result<CaptureFile> CaptureFile::open(const std::string& path, InterfaceNames& names, int wake_fd) {
    auto fd = open_input(path);
    if (!fd) {
        return fd.error();
    }
    return take(std::move(fd).value(), path, names, wake_fd);
}

Result<CaptureFile> CaptureFile::take(UniqueFd fd, const std::string& path, InterfaceNames& names,
                                      int wake_fd, const std::function<bool()>& goes_on) {
    auto reader = std::make_unique<Reader>(path, std::move(fd), names, wake_fd);
    auto begun = reader->begin();
    while (!begun && reader->begin_was_interrupted() && goes_on && goes_on()) {
        begun = reader->begin();
    }
    if (!begun) {
        return begun.error();
    }
    return CaptureFile(std::move(reader));
}

bool CaptureFile::next(Frame& frame) {
    return reader_->next(std::span(&frame, 1)) == 1;
}

std::size_t CaptureFile::next(std::span<Frame> frames) {
    return reader_->next(frames);
}

bool CaptureFile::interrupted() const {
    return reader_->interrupted();
}

const std::optional<Error>& CaptureFile::damage() const {
    return reader_->damage();
}

std::uint64_t CaptureFile::bytes_read() const {
    return reader_->input().bytes_read();
}

std::optional<std::uint64_t> CaptureFile::size() const {
    return reader_->input().size();
}

CaptureFile::CaptureFile(std::unique_ptr<Reader> reader) : reader_(std::move(reader)) {}
CaptureFile::CaptureFile(CaptureFile&&) noexcept = default;
CaptureFile& CaptureFile::operator=(CaptureFile&&) noexcept = default;
CaptureFile::~CaptureFile() = default;

}  // namespace tcpeek
