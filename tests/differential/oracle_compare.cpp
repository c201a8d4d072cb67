#include "oracle_compare.h"

#include <fmt/core.h>
#include <pcap/pcap.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "capture/capture_file.h"

namespace tcpeek::oracle {
namespace {

__extension__ typedef __int128 Wide;

// Errors of libpcap that are limits of its interface or its caution: the file is not damaged, and
// CaptureFile reads on.
struct Limit {
    std::string_view error;
    std::string_view reason;
};

constexpr std::array<Limit, 8> kLimits{{
    {"different from the type of the first interface",
     "a pcap_t has one link type; a Frame has its own"},
    {"different from the snapshot length of the first interface",
     "a pcap_t has one snapshot length; an interface has its own"},
    {"sections with different byte orders", "the format allows it"},
    {"has no Interface Description Blocks", "the format allows it: a file without packets"},
    {"bigger than snaplen of", "in pcapng: the packet is whole in its block"},
    {"unsupported pcapng savefile version 1.", "minor versions only add what can be skipped"},
    {"opt_endofopt option with length", "the end of the options is where it is"},
    {"pcapng block size", "blocks that nobody interprets may have any size"},
}};

struct ClosePcap {
    void operator()(pcap_t* handle) const { pcap_close(handle); }
};
using PcapHandle = std::unique_ptr<pcap_t, ClosePcap>;

// The LINKTYPE number that libpcap would write into a file for what it read from this one. It has
// no call for that, so a header is written into memory and looked at.
std::uint32_t link_type_of(pcap_t* handle) {
    char* header = nullptr;
    std::size_t size = 0;
    std::FILE* const memory = ::open_memstream(&header, &size);
    pcap_dumper_t* const dumper = pcap_dump_fopen(handle, memory);
    if (dumper != nullptr) {
        pcap_dump_close(dumper);
    } else {
        std::fclose(memory);
    }
    auto number = static_cast<std::uint32_t>(pcap_datalink(handle));
    constexpr std::size_t kLinkTypeOffset = 20;
    if (dumper != nullptr && size >= kLinkTypeOffset + sizeof(number)) {
        std::memcpy(&number, header + kLinkTypeOffset, sizeof(number));
        number &= 0x03ffffff;
    }
    std::free(header);
    return number;
}

bool is_pcapng(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::array<char, 4> magic{};
    file.read(magic.data(), magic.size());
    return std::string_view(magic.data(), magic.size()) == "\n\r\r\n";
}

// Whether the file may have an if_tsresol option finer than 2^-34.
bool has_fine_binary_resolution(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string octets(std::istreambuf_iterator<char>(file), {});
    for (std::size_t i = 0; i + 4 < octets.size(); ++i) {
        const std::string_view option = std::string_view(octets).substr(i, 4);
        const bool is_option = option == std::string_view("\x09\0\x01\0", 4) ||
                               option == std::string_view("\0\x09\0\x01", 4);
        if (is_option && static_cast<unsigned char>(octets[i + 4]) > (0x80U | 34U)) {
            return true;
        }
    }
    return false;
}

class Comparer {
  public:
    explicit Comparer(const std::string& path) : path_(path), pcapng_(is_pcapng(path)) {}

    Comparison run();

  private:
    void compare_packets(CaptureFile& file);
    void finish(CaptureFile& file, bool ours_ended);
    bool same_packet(const pcap_pkthdr& header, const u_char* data, const Frame& frame);
    bool same_time(const pcap_pkthdr& header, const Frame& frame);
    bool same_bytes(const pcap_pkthdr& header, const u_char* data, const Frame& frame);
    bool same_length(const pcap_pkthdr& header, const Frame& frame);
    // Whether a difference is excused by this fault; if so, counts it.
    bool excuse(Fault fault, bool met) {
        result_.faults[static_cast<std::size_t>(fault)] += met ? 1 : 0;
        return met;
    }
    bool differ(const std::string& what) {
        result_.agreement = Agreement::different;
        result_.difference = fmt::format("packet {}: {}", result_.packets + 1, what);
        return false;
    }
    [[nodiscard]] bool at_a_limit() const {
        return std::any_of(kLimits.begin(), kLimits.end(), [&](const Limit& limit) {
            const bool only_pcapng = limit.error.starts_with("bigger than snaplen");
            return (pcapng_ || !only_pcapng) &&
                   result_.libpcap_says.find(limit.error) != std::string::npos;
        });
    }

    std::string path_;
    bool pcapng_;
    PcapHandle handle_;
    int link_layer_ = 0;
    std::uint32_t link_type_ = 0;
    Comparison result_;
};

Comparison Comparer::run() {
    std::array<char, PCAP_ERRBUF_SIZE> error{};
    handle_.reset(pcap_open_offline_with_tstamp_precision(path_.c_str(), PCAP_TSTAMP_PRECISION_NANO,
                                                          error.data()));
    InterfaceNames names;
    auto file = CaptureFile::open(path_, names);
    if (handle_ == nullptr) {
        result_.libpcap_says = error.data();
    } else {
        link_layer_ = pcap_datalink(handle_.get());
        link_type_ = link_type_of(handle_.get());
    }
    if (!file) {
        result_.capture_file_says = file.error().message;
        result_.agreement = handle_ == nullptr ? Agreement::neither_reads : Agreement::different;
        result_.difference = handle_ == nullptr ? "" : "only libpcap opens it";
        return result_;
    }
    compare_packets(file.value());
    return result_;
}

void Comparer::compare_packets(CaptureFile& file) {
    Frame frame;
    for (;;) {
        pcap_pkthdr* header = nullptr;
        const u_char* data = nullptr;
        const int got = handle_ == nullptr ? -1 : pcap_next_ex(handle_.get(), &header, &data);
        if (got == PCAP_ERROR && handle_ != nullptr) {
            result_.libpcap_says = pcap_geterr(handle_.get());
        }
        const bool ours = file.next(frame);
        if (got != 1) {
            finish(file, !ours);
            return;
        }
        if (!ours) {
            result_.capture_file_says = file.damage() ? file.damage()->message : "";
            differ("only libpcap has it");
            return;
        }
        if (!same_packet(*header, data, frame)) {
            return;
        }
        ++result_.packets;
    }
}

// libpcap gave its last packet.
void Comparer::finish(CaptureFile& file, bool ours_ended) {
    Frame frame;
    result_.further = ours_ended ? 0 : 1;
    while (!ours_ended && file.next(frame)) {
        ++result_.further;
    }
    result_.capture_file_says = file.damage() ? file.damage()->message : "";
    if (at_a_limit()) {
        result_.agreement = Agreement::libpcap_stops;
        return;
    }
    if (result_.further != 0) {
        differ("only CaptureFile has it");
    } else if (result_.libpcap_says.empty() != result_.capture_file_says.empty()) {
        differ("the file ends here; only one reader takes it for damaged");
    }
}

bool Comparer::same_packet(const pcap_pkthdr& header, const u_char* data, const Frame& frame) {
    const bool same_link_type = frame.link_type.number == link_type_ ||
                                frame.link_type.number == static_cast<std::uint32_t>(link_layer_);
    if (!same_link_type) {
        return differ(fmt::format("link type {} and {}", link_type_, frame.link_type.number));
    }
    if (!same_time(header, frame)) {
        return differ(fmt::format("time {}.{:09} and {} ns", header.ts.tv_sec, header.ts.tv_usec,
                                  frame.time.ns));
    }
    if (header.caplen != frame.bytes.size()) {
        return differ(fmt::format("captured length {} and {}", header.caplen, frame.bytes.size()));
    }
    if (!same_length(header, frame)) {
        return differ(fmt::format("length {} and {}", header.len, frame.original_length));
    }
    if (!same_bytes(header, data, frame)) {
        return differ("other bytes");
    }
    return true;
}

bool Comparer::same_time(const pcap_pkthdr& header, const Frame& frame) {
    constexpr Wide kSecond = 1'000'000'000;
    const Wide seconds = header.ts.tv_sec;
    const Wide fraction = header.ts.tv_usec;  // nanoseconds, with this precision
    const Wide ours = frame.time.ns;
    if (seconds * kSecond + fraction == ours) {
        return true;
    }
    constexpr Wide kWrap = Wide{1} << 32;
    if (!pcapng_) {
        // The fraction was scaled after it was taken for signed.
        for (const Wide scale : {Wide{1}, Wide{1'000}}) {
            const Wide unsigned_seconds = seconds < 0 ? seconds + kWrap : seconds;
            const Wide unsigned_fraction = fraction < 0 ? fraction + kWrap * scale : fraction;
            if (excuse(Fault::signed_time,
                       unsigned_seconds * kSecond + unsigned_fraction == ours)) {
                return true;
            }
        }
        return false;
    }
    const bool stopped = ours == std::numeric_limits<std::int64_t>::max() ||
                         ours == std::numeric_limits<std::int64_t>::min();
    const Wide most = std::numeric_limits<std::int64_t>::max() / kSecond;
    const bool too_far = seconds >= most || seconds <= -most || (seconds < 0) != (ours < 0);
    return excuse(Fault::wrapped_time, stopped && too_far) ||
           excuse(Fault::binary_time, has_fine_binary_resolution(path_));
}

bool Comparer::same_length(const pcap_pkthdr& header, const Frame& frame) {
    return header.len == frame.original_length ||
           excuse(Fault::usb_length, link_layer_ == DLT_USB_LINUX_MMAPPED);
}

bool Comparer::same_bytes(const pcap_pkthdr& header, const u_char* data, const Frame& frame) {
    if (std::equal(frame.bytes.begin(), frame.bytes.end(), data, data + header.caplen)) {
        return true;
    }
    constexpr std::array<int, 6> kHostOrder{DLT_USB_LINUX, DLT_USB_LINUX_MMAPPED, DLT_NFLOG,
                                            DLT_PFLOG,     DLT_LINUX_SLL,         DLT_LINUX_SLL2};
    const bool rewritten =
        std::find(kHostOrder.begin(), kHostOrder.end(), link_layer_) != kHostOrder.end();
    return excuse(Fault::host_order_headers, rewritten && pcap_is_swapped(handle_.get()) != 0);
}

}  // namespace

Comparison compare(const std::string& path) {
    return Comparer(path).run();
}

std::string_view reason_of(Fault fault) {
    switch (fault) {
        case Fault::signed_time:
            return "pcap times are unsigned; libpcap takes them for signed";
        case Fault::wrapped_time:
            return "libpcap wraps pcapng times around that 64 bits of nanoseconds cannot hold";
        case Fault::binary_time:
            return "libpcap's product overflows for resolutions finer than 2^-34 s";
        case Fault::host_order_headers:
            return "libpcap rewrites USB, NFLOG, PFLOG and SocketCAN headers of the other byte "
                   "order";
        case Fault::usb_length:
            return "libpcap recomputes the length of isochronous USB transfers";
    }
    return "";
}

}  // namespace tcpeek::oracle
