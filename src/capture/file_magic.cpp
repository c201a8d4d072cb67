#include "capture/file_magic.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace tcpeek {
namespace {

using namespace std::string_view_literals;

struct CompressionRow {
    std::string_view magic;
    Compression compression;
};

constexpr std::array<CompressionRow, 8> kCompressions{{
    {"\x1f\x8b"sv, {"gzip", "zcat"}},
    {"\x1f\x9d"sv, {"compress", "zcat"}},
    {"BZh"sv, {"bzip2", "bzcat"}},
    {"\xfd"
     "7zXZ\0"sv,
     {"xz", "xzcat"}},
    {"\x28\xb5\x2f\xfd"sv, {"zstd", "zstdcat"}},
    {"\x04\x22\x4d\x18"sv, {"lz4", "lz4cat"}},
    {"LZIP"sv, {"lzip", "lzip -dc"}},
    {"PK\x03\x04"sv, {"zip", "funzip"}},
}};

struct FormatRow {
    std::string_view magic;
    std::string_view name;
};

constexpr std::array<FormatRow, 7> kOtherFormats{{
    {"snoop\0\0\0"sv, "a Solaris snoop capture"},
    {"GMBU"sv, "a Network Monitor capture"},
    {"RTSS"sv, "a Network Monitor 1 capture"},
    {"\xa1\xb2\x34\xcd"sv, "a pcap variant with other packet headers"},
    {"\xcd\x34\xb2\xa1"sv, "a pcap variant with other packet headers"},
    {"\xa1\x2b\x3c\x4d"sv, "a pcap variant of Navtel"},
    {"\x4d\x3c\x2b\xa1"sv, "a pcap variant of Navtel"},
}};

bool begins_with(Bytes start, std::string_view magic) {
    return start.size() >= magic.size() &&
           std::equal(magic.begin(), magic.end(), start.begin(),
                      [](char a, std::uint8_t b) { return static_cast<std::uint8_t>(a) == b; });
}

bool is_legible(std::uint8_t octet) {
    return octet >= 0x20 && octet < 0x7f && octet != '"';
}

bool needs_no_quotes(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           "_./+:,@%=-"sv.find(c) != std::string_view::npos;
}

}  // namespace

std::optional<Compression> compression_of(Bytes start) {
    const auto row =
        std::find_if(kCompressions.begin(), kCompressions.end(),
                     [&](const CompressionRow& r) { return begins_with(start, r.magic); });
    return row != kCompressions.end() ? std::optional(row->compression) : std::nullopt;
}

std::string_view other_capture_format(Bytes start) {
    const auto row = std::find_if(kOtherFormats.begin(), kOtherFormats.end(),
                                  [&](const FormatRow& r) { return begins_with(start, r.magic); });
    return row != kOtherFormats.end() ? row->name : std::string_view();
}

std::string describe_magic(Bytes start) {
    constexpr std::size_t kShown = 4;
    const Bytes shown = start.first(std::min(start.size(), kShown));
    std::string text;
    for (const std::uint8_t octet : shown) {
        text += fmt::format("{}{:02x}", text.empty() ? "" : " ", octet);
    }
    if (std::all_of(shown.begin(), shown.end(), is_legible)) {
        text += " (\"" + std::string(shown.begin(), shown.end()) + "\")";
    }
    return text;
}

std::string quoted_for_shell(const std::string& path) {
    // A leading dash would be taken for an option.
    const std::string word = path.starts_with('-') ? "./" + path : path;
    if (!word.empty() && std::all_of(word.begin(), word.end(), needs_no_quotes)) {
        return word;
    }
    std::string quoted = "'";
    for (const char c : word) {
        if (c == '\'') {
            quoted += "'\\''";  // ends the quotes, a quoted quote, begins quotes again
        } else {
            quoted += c;
        }
    }
    return quoted + "'";
}

}  // namespace tcpeek
