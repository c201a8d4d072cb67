// Tells by their first bytes the files that are given to `-r` by mistake, so that the error can say
// what they are and what makes a capture file of them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/byte_reader.h"

namespace tcpeek {

// How a compressed file is unpacked to standard output.
struct Compression {
    std::string_view format;
    std::string_view command;  // takes a file's name, or nothing for standard input
};

// Nothing if the bytes are no known compressed file.
std::optional<Compression> compression_of(Bytes start);

// Another capture format, which Wireshark's editcap converts ("a Solaris snoop capture"); empty if
// it is none that we know.
std::string_view other_capture_format(Bytes start);

// The first four bytes in hexadecimal and, where it is legible, as text: `23 20 43 61 ("# Ca")`.
std::string describe_magic(Bytes start);

// A path as a word for the shell.
std::string quoted_for_shell(const std::string& path);

}  // namespace tcpeek
