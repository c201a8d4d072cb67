#include "cli/help.h"

#include <fmt/format.h>

#include <string_view>

#include "cli/option_table.h"

namespace tcpeek {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kHelpColumn = 30;

// `text` broken at spaces, each line but the first indented to the help column.
std::string wrapped(std::string_view text) {
    std::string result;
    std::size_t column = kHelpColumn;
    while (!text.empty()) {
        const std::size_t length = std::min(text.find(' '), text.size());
        if (column > kHelpColumn && column + 1 + length > kColumns) {
            result += '\n' + std::string(kHelpColumn, ' ');
            column = kHelpColumn;
        } else if (column > kHelpColumn) {
            result += ' ';
            ++column;
        }
        result += text.substr(0, length);
        column += length;
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return result;
}

std::string option_entry(const OptionRow& row) {
    const std::string short_form =
        row.short_name == '\0' ? "    " : fmt::format("-{}, ", row.short_name);
    std::string entry = fmt::format("  {}--{}", short_form, row.long_name);
    if (!row.value.empty()) {
        entry += fmt::format("={}", row.value);
    }
    std::string help(row.help);
    if (row.repeats) {
        help += "; may be given several times";
    }
    if (!row.default_text.empty()) {
        help += fmt::format(" (default: {})", row.default_text);
    }
    if (entry.size() + 2 > kHelpColumn) {
        entry += '\n' + std::string(kHelpColumn, ' ');
    } else {
        entry.resize(kHelpColumn, ' ');
    }
    return entry + wrapped(help) + '\n';
}

constexpr std::string_view kIntroduction =
    "Usage: tcpeek [option]... [expression]...\n"
    "\n"
    "Watches TCP connections being opened, on interfaces or in capture files, and\n"
    "says of each whether the handshake succeeded, and if not why and after how long.\n"
    "\n"
    "Options:\n";

constexpr std::string_view kExpressions =
    "\n"
    "Expressions: [filter]:dir@addr:port[:port...][,addr:port...]\n"
    "  Each counts the sessions it matches under its name; one without a name hides\n"
    "  them. dir is RX (to this host), TX (from it) or ANY; addr is *, an address or\n"
    "  network, IPv6 in brackets; the port is the server's: *, a number, a range.\n"
    "    WEB:RX@*:80:443             connections to this host's web server\n"
    "    DB:TX@192.168.0.0/24:3306   its connections to the database network\n"
    "    :RX@[2001:db8::5]:*         what this monitoring host opens is left out\n"
    "\n"
    "Exit status: 0 done, 1 failed at run time, 2 wrong usage, 130 after a second\n"
    "SIGINT. SIGUSR1 prints the summary so far.\n";

}  // namespace

std::string help_text() {
    std::string text(kIntroduction);
    for (const OptionRow& row : option_table()) {
        text += option_entry(row);
    }
    text += kExpressions;
    return text;
}

}  // namespace tcpeek
