#include "capture/kernel_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/unique_fd.h"
#include "bpf/shared.h"
#include "capture/kernel/filter_key.h"
#include "capture/kernel/programs.h"

namespace tcpeek {
namespace {

// What does not find a place is swept in the end.
constexpr std::size_t kMostLater = 4'096;
// libbpf tells of failures through errno; its own text goes nowhere.
int say_nothing(libbpf_print_level, const char*, va_list) {
    return 0;
}

// One whose release cannot be read counts as new.
bool kernel_is_older_than(unsigned major, unsigned minor) {
    utsname name{};
    unsigned its_major = 0;
    unsigned its_minor = 0;
    return ::uname(&name) == 0 && std::sscanf(name.release, "%u.%u", &its_major, &its_minor) == 2 &&
           (its_major < major || (its_major == major && its_minor < minor));
}

// Before 5.11 tables are locked memory of their user. libbpf raises the limit where it may; where a
// small table has room, it is not the right to make one that is missing.
bool locked_memory_is_short() {
    rlimit limit{};
    if (!kernel_is_older_than(5, 11) || ::getrlimit(RLIMIT_MEMLOCK, &limit) != 0 ||
        limit.rlim_cur == RLIM_INFINITY) {
        return false;
    }
    constexpr std::uint32_t kWord = 4;
    return UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, nullptr, kWord, kWord, 1, nullptr)).valid();
}

Error load_error(int error) {
    if (error == EPERM && locked_memory_is_short()) {
        return Error{
            "too little memory may be locked for the filter's tables (ulimit -l unlimited, in a "
            "unit LimitMEMLOCK=infinity), or CAP_NET_ADMIN is missing"};
    }
    // What the verifier does not find safe.
    if (error == EACCES) {
        return Error{
            "the kernel does not take the filter's programs from a process without CAP_PERFMON"};
    }
    if (error == EPERM) {
        return Error{
            "there is no right to load programs into the kernel (CAP_BPF and CAP_NET_ADMIN)"};
    }
    return Error{
        fmt::format("the kernel does not take the filter's programs: {}", std::strerror(error))};
}

}  // namespace

Result<KernelFilter::Programs::Skeleton> KernelFilter::Programs::load(
    const KernelFilterOptions& options) {
    libbpf_set_print(say_nothing);
    Skeleton skeleton(tcpeek_bpf::open());
    if (!skeleton) {
        return load_error(errno);
    }
    const bool ring = options.ring_octets > 0;
    skeleton->rodata->look_at_icmp = options.icmp ? 1 : 0;
    skeleton->rodata->may_advance = options.judges_all ? 1 : 0;
    skeleton->rodata->may_leave = ring ? 1 : 0;
    skeleton->rodata->skip_outgoing_on_loopback = 1;
    skeleton->rodata->snapshot_length = options.snapshot_length;
    skeleton->rodata->wakeup_octets = options.ring_octets / 8;
    bpf_map__set_max_entries(skeleton->maps.connections, options.connections);
    if (ring) {
        bpf_map__set_max_entries(skeleton->maps.ring, options.ring_octets);
    }
    bpf_program__set_autoload(skeleton->progs.ingress_ethernet, ring);
    bpf_program__set_autoload(skeleton->progs.egress_ethernet, ring);
    bpf_program__set_autoload(skeleton->progs.ingress_network, ring);
    bpf_program__set_autoload(skeleton->progs.egress_network, ring);
    bpf_program__set_autoload(skeleton->progs.socket_ethernet, !ring);
    bpf_program__set_autoload(skeleton->progs.socket_network, !ring);
    if (const int error = tcpeek_bpf::load(skeleton.get()); error != 0) {
        return load_error(-error);
    }
    return skeleton;
}

// Asked about a connection that cannot be: it is missing, or the question is wrong.
bool KernelFilter::Programs::takes_out_at_once(int connections) {
    const tcpeek_key nobody{};
    tcpeek_connection found{};
    return bpf_map_lookup_and_delete_elem(connections, &nobody, &found) == -ENOENT;
}

int KernelFilter::Programs::put_in(const tcpeek_key& key, const tcpeek_connection& connection) {
    slot_of(key).fetch_add(TCPEEK_SLOT_ENTERS);
    const int error = bpf_map_update_elem(connections(), &key, &connection, BPF_NOEXIST);
    slot_of(key).fetch_add(error == 0 ? TCPEEK_SLOT_ENTERED : TCPEEK_SLOT_ENTERED - 1);
    return error;
}

bool KernelFilter::Programs::enter(const tcpeek_key& key, std::uint32_t isn) {
    tcpeek_connection connection{};
    connection.stamp = boot_nanoseconds();
    connection.isn = isn;
    connection.both_ways = 1;
    const int error = put_in(key, connection);
    return error == 0 || error == -EEXIST;
}

void KernelFilter::Programs::remove(const tcpeek_key& key, std::uint32_t isn, Removal why) {
    if ((slot_of(key).load() & TCPEEK_SLOT_COUNT) == 0) {
        return;  // the programs did it, as for most: a system call is spared
    }
    const std::uint64_t now = boot_nanoseconds();
    bool may_be_newer = false;
    const bool removed = take_out(key, [&](const tcpeek_connection& found) {
        if (found.isn != isn) {
            return true;
        }
        // A SYN that is on its way may have the same ISN as a failure that is forgotten; or come
        // after another one that is on its way, too.
        may_be_newer =
            (why == Removal::forgotten || found.is_only == 0) && may_be_on_its_way(found, now);
        return may_be_newer;
    });
    removed_ += removed ? 1U : 0U;
    if (may_be_newer && later_.size() < kMostLater) {
        later_.push_back({key, isn, now + static_cast<std::uint64_t>(kNewerSyn.ns)});
    }
}

KernelFilterStatistics KernelFilter::Programs::statistics() const {
    KernelFilterStatistics statistics;
    statistics.capacity = capacity_;
    statistics.failed_inserts = read(control().failed_inserts);
    statistics.state = statistics.failed_inserts == read(control().resolved)
                           ? KernelFilterState::exact
                           : KernelFilterState::degraded;
    statistics.degradations = degradations_;
    statistics.removed = removed_ + read(control().completed);
    statistics.swept = swept_;
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
        bpf_prog_info info{};
        std::uint32_t length = sizeof info;
        const int fd = bpf_program__fd(program);
        if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &length) == 0) {
            statistics.runs += info.run_cnt;
            statistics.run_time =
                statistics.run_time +
                Duration::nanoseconds(static_cast<std::int64_t>(info.run_time_ns));
        }
    }
    statistics.runs_are_told = statistics.runs > 0;
    return statistics;
}

Result<std::unique_ptr<KernelFilter>> KernelFilter::load(const KernelFilterOptions& options) {
    Result<Programs::Skeleton> skeleton = Programs::load(options);
    if (!skeleton) {
        return skeleton.error();
    }
    return std::unique_ptr<KernelFilter>(
        new KernelFilter(std::make_unique<Programs>(std::move(skeleton).value(), options)));
}

// Before 5.19, where kernel.unprivileged_bpf_disabled is set, as distributions do
// (kernel/bpf/syscall.c, __sys_bpf).
bool KernelFilter::table_needs_right() {
    return kernel_is_older_than(5, 19);
}

KernelFilter::KernelFilter(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}

KernelFilter::~KernelFilter() = default;

int KernelFilter::socket_program(PacketStart start) const {
    const auto& programs = programs_->skeleton().progs;
    return bpf_program__fd(start == PacketStart::ethernet ? programs.socket_ethernet
                                                          : programs.socket_network);
}

int KernelFilter::hook_program(PacketSide side, PacketStart start) const {
    const auto& programs = programs_->skeleton().progs;
    const bool ethernet = start == PacketStart::ethernet;
    if (side == PacketSide::ingress) {
        return bpf_program__fd(ethernet ? programs.ingress_ethernet : programs.ingress_network);
    }
    return bpf_program__fd(ethernet ? programs.egress_ethernet : programs.egress_network);
}

int KernelFilter::ring() const {
    return bpf_map__fd(programs_->skeleton().maps.ring);
}

void KernelFilter::enter(const ConnectionKey& key, SeqNumber isn) {
    if (!programs_->enter(kernel_key(key), isn.value)) {
        programs_->note_failed_insert();
    }
}

void KernelFilter::remove(const ConnectionKey& key, SeqNumber isn, Removal why) {
    programs_->remove(kernel_key(key), isn.value, why);
}

void KernelFilter::tend(const AttemptDirectory& attempts, Timestamp handled_until) {
    programs_->tend(attempts, handled_until);
}

bool KernelFilter::slots_are_exact() const {
    return programs_->slots_are_exact();
}

bool KernelFilter::wants_tending_soon() const {
    return programs_->wants_tending_soon();
}

KernelFilterStatistics KernelFilter::statistics() const {
    return programs_->statistics();
}

std::uint64_t KernelFilter::lost() const {
    return programs_->lost();
}

std::uint64_t KernelFilter::lost_of(unsigned interface_index) const {
    std::uint64_t lost = 0;
    const int map = bpf_map__fd(programs_->skeleton().maps.lost_by_interface);
    return bpf_map_lookup_elem(map, &interface_index, &lost) == 0 ? lost : 0;
}

void KernelFilter::arm() {
    programs_->arm();
}

}  // namespace tcpeek
