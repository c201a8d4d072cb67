#include "app/info.h"

#include <cap-ng.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <pcap/pcap.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/confinement.h"
#include "app/servers.h"
#include "capture/kernel_filter.h"
#include "capture/live_links.h"
#include "capture/local_routes.h"
#include "capture/tcx_tap.h"
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

// On the loopback interface, which every network namespace has.
Result<void> try_hooks(const KernelFilter& filter) {
    const Result<LinkTable> links = LinkTable::open();
    if (!links) {
        return links.error();
    }
    for (const Link& link : links.value().links()) {
        if (link.loopback) {
            const Result<TcxTap> tap = TcxTap::attach(filter, link, false);
            return tap ? Result<void>() : Result<void>(tap.error());
        }
    }
    return Error{"there is no loopback interface to try them on"};
}

std::string local_networks() {
    const Result<LocalRoutes> routes = LocalRoutes::open();
    return routes ? fmt::format("{}", routes.value().networks().size()) : routes.error().message;
}

// What a live capture of this program would use here, found out by trying.
EngineInUse print_kernel_filter(const Config& config) {
    KernelFilterOptions options;
    options.snapshot_length = 1;
    options.connections = 1;
    const Result<void> known = TcxTap::known_to_kernel();
    options.ring_octets = known ? static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE)) : 0;
    const Result<std::unique_ptr<KernelFilter>> filter = KernelFilter::load(options);
    const Result<void> hooks = !known   ? known
                               : filter ? try_hooks(*filter.value())
                                        : Result<void>(filter.error());
    print_fact("kernel filter", filter ? "yes" : fmt::format("no: {}", filter.error().message));
    print_fact("tcx hooks", hooks ? "yes" : fmt::format("no: {}", hooks.error().message));
    const bool wants_filter = config.filter_entries > 0;
    EngineInUse engine = EngineInUse::socket;
    if (hooks && wants_filter && config.capture != CaptureChoice::socket) {
        engine = EngineInUse::hooks;
    } else if (filter && wants_filter) {
        engine = filtered_socket_here();
    }
    print_fact("capture engine", engine == EngineInUse::hooks ? "tcx hooks with the kernel filter"
                                 : engine != EngineInUse::socket
                                     ? "packet socket with the kernel filter"
                                 : wants_filter ? "packet socket with a classic filter"
                                                : "packet socket without a filter");
    return engine;
}

std::string system_calls() {
    if (!kSystemCallsFiltered) {
        return "not filtered: this is a build with a sanitizer";
    }
    return "the others fail or end the program (seccomp)";
}

std::string stats_socket() {
    const std::optional<std::string> listener = SocketFile::listener(kUsualSocket);
    return fmt::format("GET, REFRESH and STATS, at {} unless -U says otherwise; {}", kUsualSocket,
                       listener ? *listener + " listens there now" : "nobody listens there now");
}

}  // namespace

void print_info(const Config& config) {
    capng_get_caps_process();
    print_fact("version", std::string(kVersion));
    print_fact("libpcap", pcap_lib_version());
    print_fact("kernel", kernel());
    const EngineInUse engine = print_kernel_filter(config);
    print_fact("right to capture (CAP_NET_RAW)", right(CAP_NET_RAW));
    print_fact("interfaces", interfaces());
    print_fact("local networks", local_networks());
    print_fact("statistics socket", stats_socket());
    print_fact("HTTP", "/metrics, /stats and /healthz, where --http says");
    print_fact("user after the start",
               config.user.empty() ? "the one that started it (see -u)" : config.user);
    print_fact("after the start the program may", describe(needs_of(config, engine)));
    print_fact("system calls beyond that", system_calls());
}

}  // namespace tcpeek
