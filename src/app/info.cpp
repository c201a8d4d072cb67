#include "app/info.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pcap/pcap.h>
#include <sys/utsname.h>

#include <array>
#include <string>
#include <vector>

#include "app/confinement.h"
#include "capture/local_routes.h"
#include "cli/version.h"

namespace tcpeek {
namespace {

void print_fact(const char* name, const std::string& value) {
    fmt::print("{}: {}\n", name, value);
}

std::string kernel() {
    utsname name{};
    return uname(&name) == 0 ? fmt::format("{} {} {}", name.sysname, name.release, name.machine)
                             : "unknown";
}

std::string right(unsigned capability) {
    return capng_have_capability(CAPNG_EFFECTIVE, capability) != 0 ? "yes" : "no";
}

std::string interfaces() {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap_if_t* first = nullptr;
    if (pcap_findalldevs(&first, reason.data()) != 0) {
        return fmt::format("unknown ({})", reason.data());
    }
    std::vector<std::string> names;
    for (const pcap_if_t* device = first; device != nullptr; device = device->next) {
        names.emplace_back(device->name);
    }
    pcap_freealldevs(first);
    return names.empty() ? "none can be captured on with these rights"
                         : fmt::format("{}", fmt::join(names, ", "));
}

std::string local_networks() {
    const Result<LocalRoutes> routes = LocalRoutes::open();
    return routes ? fmt::format("{}", routes.value().networks().size()) : routes.error().message;
}

std::string system_calls() {
    if (!kSystemCallsFiltered) {
        return "not filtered: this is a build with a sanitizer";
    }
    return "the others fail or end the program (seccomp)";
}

}  // namespace

std::string_view kernel_filter_state() {
    return "none in this version: every packet's head is looked at";
}

void print_info(const Config& config) {
    capng_get_caps_process();
    print_fact("version", std::string(kVersion));
    print_fact("libpcap", pcap_lib_version());
    print_fact("kernel", kernel());
    print_fact("capture engine", "packet socket through libpcap (TPACKET_V3)");
    print_fact("kernel filter", std::string(kernel_filter_state()));
    print_fact("right to capture (CAP_NET_RAW)", right(CAP_NET_RAW));
    print_fact("interfaces", interfaces());
    print_fact("local networks", local_networks());
    print_fact("user after the start",
               config.user.empty() ? "the one that started it (see -u)" : config.user);
    print_fact("after the start the program may", describe(needs_of(config)));
    print_fact("system calls beyond that", system_calls());
}

}  // namespace tcpeek
