// The reference of the file benchmark: reads a capture file with libpcap and only touches each
// packet's TCP flags (Ethernet, IPv4 without options).
#include <fmt/format.h>
#include <pcap/pcap.h>

#include <array>
#include <cstdint>

int main(int argc, char** argv) {
    constexpr std::size_t kFlags = 14 + 20 + 13;
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap_t* capture = argc == 2 ? pcap_open_offline(argv[1], reason.data()) : nullptr;
    if (capture == nullptr) {
        fmt::print(stderr, "usage: bench_libpcap_loop FILE: {}\n", reason.data());
        return 2;
    }
    pcap_pkthdr* header = nullptr;
    const unsigned char* bytes = nullptr;
    std::uint64_t packets = 0;
    std::uint64_t flags = 0;
    while (pcap_next_ex(capture, &header, &bytes) == 1) {
        ++packets;
        flags += header->caplen > kFlags ? bytes[kFlags] : 0U;
    }
    fmt::print("{} packets, sum of flags {}\n", packets, flags);
    pcap_close(capture);
    return 0;
}
