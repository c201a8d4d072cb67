#include "cli/config_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <sstream>
#include <string_view>
#include <system_error>

#include "base/unique_fd.h"
#include "cli/printable.h"

namespace tcpeek {
namespace {

// Far above what the limits of filters allow.
constexpr std::size_t kMaxOctets = std::size_t{1} << 20U;
constexpr int kFailed = 1;

UsageError cannot_read(const std::string& path, const std::string& why) {
    return UsageError{fmt::format("cannot read {}: {}; give --config the path of a readable file",
                                  printable(path), why),
                      kFailed};
}

std::variant<std::string, UsageError> contents_of(const std::string& path) {
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    std::string text;
    std::array<char, 4096> buffer{};
    ssize_t length = fd.valid() ? 1 : -1;
    while (length > 0) {
        length = ::read(fd.get(), buffer.data(), buffer.size());
        text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(length, 0)));
        if (text.size() > kMaxOctets) {
            return cannot_read(path, "it is larger than 1 MiB");
        }
    }
    if (length < 0) {
        return cannot_read(path, std::generic_category().message(errno));
    }
    return text;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlanks);
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

// CLI11 takes a '#' for the beginning of a comment within quotes, too, and none for one in the
// further lines of a list.
std::string without_comments(const std::string& text) {
    std::string kept;
    char quote = '\0';
    bool comment = false;
    for (const char c : text) {
        if (c == '\n') {
            quote = '\0';
            comment = false;
        } else if (quote == '\0' && !comment && (c == '"' || c == '\'')) {
            quote = c;
        } else if (c == quote) {
            quote = '\0';
        } else if (c == '#' && quote == '\0') {
            comment = true;
        }
        if (!comment) {
            kept += c;
        }
    }
    return kept;
}

struct JoinedLists {
    std::string text;
    std::size_t open_since = 0;  // the line of a list without an end; 0: there is none
};

// CLI11 wants the first element of a list in the list's first line: each list becomes one line.
JoinedLists join_lists(const std::string& text) {
    JoinedLists joined;
    char quote = '\0';
    char before = '\n';  // the last character that is no blank
    std::size_t line = 1;
    unsigned depth = 0;
    for (const char c : text) {
        if (quote != '\0') {
            quote = c == quote || c == '\n' ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '[' && (depth > 0 || before == '=')) {
            joined.open_since = depth == 0 ? line : joined.open_since;
            ++depth;
        } else if (c == ']' && depth > 0) {
            --depth;
        }
        before = c == ' ' || c == '\t' ? before : c;
        line += c == '\n' ? 1U : 0U;
        joined.text += c == '\n' && depth > 0 ? ' ' : c;
    }
    joined.open_since = depth > 0 ? joined.open_since : 0;
    return joined;
}

// CLI11 tells no lines: they are looked for in the text.
class Lines {
  public:
    explicit Lines(const std::string& text) {
        std::istringstream stream(text);
        for (std::string line; std::getline(stream, line);) {
            lines_.push_back(line);
        }
    }

    // Of `value` under `name`. A list may go over several lines, and a name may stand several
    // times, so that the value is looked for from the line of the last one on.
    std::size_t find(const std::string& name, const std::string& value) {
        std::size_t named = 0;
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            if (key_of(lines_[i]) != name) {
                continue;
            }
            named = named == 0 ? i + 1 : named;
            for (std::size_t j = i; j < lines_.size() && (j == i || !is_setting(lines_[j])); ++j) {
                if (j + 1 > last_ && lines_[j].find(value) != std::string::npos) {
                    last_ = j;
                    return j + 1;
                }
            }
        }
        return named;
    }

    // CLI11 passes over lines that are too short to mean anything.
    [[nodiscard]] std::optional<std::size_t> find_meaningless() const {
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const std::string_view line = trimmed(lines_[i]);
            if (!line.empty() && line.size() < 3 && line[0] != ';' && line != "]") {
                return i + 1;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] std::size_t find_section() const {
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const std::string_view line = trimmed(lines_[i]);
            if (!line.empty() && line.front() == '[' && line.back() == ']') {
                return i + 1;
            }
        }
        return 0;
    }

  private:
    static std::string_view key_of(std::string_view line) {
        return trimmed(line.substr(0, line.find('=')));
    }
    static bool is_setting(std::string_view line) {
        const std::size_t equals = line.find('=');
        return equals != std::string_view::npos && equals < line.find_first_of("\"'[");
    }

    std::vector<std::string> lines_;
    std::size_t last_ = 0;  // from 1
};

}  // namespace

UsageError file_error(const std::string& path, std::size_t line, const std::string& complaint) {
    return UsageError{line == 0 ? fmt::format("{}: {}", printable(path), complaint)
                                : fmt::format("{}:{}: {}", printable(path), line, complaint)};
}

std::variant<std::vector<FileSetting>, UsageError> read_config_file(const std::string& path) {
    const auto contents = contents_of(path);
    if (const auto* error = std::get_if<UsageError>(&contents)) {
        return *error;
    }
    const std::string text = without_comments(std::get<std::string>(contents));
    if (text.find('\0') != std::string::npos) {
        return file_error(path, 0, "holds a NUL byte, so it is no configuration file");
    }
    Lines lines(text);
    if (const auto line = lines.find_meaningless()) {
        return file_error(path, *line, "is no option; write NAME = VALUE");
    }
    const JoinedLists joined = join_lists(text);
    if (joined.open_since != 0) {
        return file_error(path, joined.open_since, "the list that begins here has no end; add ]");
    }
    std::vector<CLI::ConfigItem> items;
    try {
        std::istringstream stream(joined.text);
        CLI::ConfigBase form;
        form.comment('\0');
        items = form.from_config(stream);
    } catch (const CLI::Error& error) {
        return file_error(path, 0, printable(error.what()));
    }
    std::vector<FileSetting> settings;
    for (const CLI::ConfigItem& item : items) {
        if (item.name == "++" || item.name == "--") {
            return file_error(path, lines.find_section(),
                              "there are no sections in this file; leave the line out");
        }
        const std::string name = item.fullname();
        for (const std::string& value : item.inputs) {
            settings.push_back({name, value, lines.find(name, value)});
        }
        if (item.inputs.empty()) {
            settings.push_back({name, "", lines.find(name, "")});
        }
    }
    return settings;
}

}  // namespace tcpeek
