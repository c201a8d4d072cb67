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

// What a live capture of this program could use here, found out by trying.
void print_kernel_filter() {
    KernelFilterOptions options;
    options.snapshot_length = 1;
    options.connections = 1;
    options.ring_octets = static_cast<std::uint32_t>(::sysconf(_SC_PAGESIZE));
    const Result<std::unique_ptr<KernelFilter>> filter = KernelFilter::load(options);
    Result<void> hooks;
    if (filter) {
        hooks = try_hooks(*filter.value());
    }
    const std::string why_not = !filter  ? filter.error().message
                                : !hooks ? hooks.error().message
                                         : "";
    print_fact("kernel filter", filter ? "yes" : fmt::format("no: {}", filter.error().message));
    print_fact("tcx hooks", why_not.empty() ? "yes" : fmt::format("no: {}", why_not));
    print_fact("capture engine of --capture=auto", why_not.empty() ? "tcx hooks"
                                                   : filter
                                                       ? "packet socket with the kernel filter"
                                                       : "packet socket with a classic filter");
}

std::string stats_socket() {
    const std::optional<std::string> listener = SocketFile::listener(kUsualSocket);
    return fmt::format("GET, REFRESH and STATS, at {} unless -U says otherwise; {}", kUsualSocket,
                       listener ? *listener + " listens there now" : "nobody listens there now");
}

}  // namespace

void print_info() {
    capng_get_caps_process();
    print_fact("version", std::string(kVersion));
    print_fact("libpcap", pcap_lib_version());
    print_fact("kernel", kernel());
    print_kernel_filter();
    print_fact("right to capture (CAP_NET_RAW)", right(CAP_NET_RAW));
    print_fact("interfaces", interfaces());
    print_fact("local networks", local_networks());
    print_fact("statistics socket", stats_socket());
    print_fact("HTTP", "/metrics, /stats and /healthz, where --http says");
}

}  // namespace tcpeek
