// Reads one capture file by libpcap and by CaptureFile at the same time and compares every packet.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tcpeek::oracle {

// How the two readers compare on one file.
enum class Agreement {
    same,           // the same packets, and the same opinion on whether the file is damaged
    libpcap_stops,  // libpcap stops at something that is no damage; up to there the same packets
    neither_reads,  // neither opens it
    different,
};

// Differences between packets that are libpcap's fault, whichever file they are in.
enum class Fault { signed_time, wrapped_time, binary_time, host_order_headers, usb_length };
constexpr std::size_t kFaultCount = 5;

std::string_view reason_of(Fault fault);

struct Comparison {
    Agreement agreement = Agreement::same;
    std::size_t packets = 0;                        // that both gave
    std::size_t further = 0;                        // that only CaptureFile gave
    std::array<std::size_t, kFaultCount> faults{};  // how often each was met
    std::string libpcap_says;                       // its error, if any
    std::string capture_file_says;                  // error or damage, if any
    std::string difference;                         // for `different`: where and what
};

Comparison compare(const std::string& path);

}  // namespace tcpeek::oracle
