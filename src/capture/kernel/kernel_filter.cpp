#include "capture/kernel_filter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>
#include <vector>

#include "bpf/shared.h"
#include "capture/boot_clock.h"
#include "capture/kernel/filter_key.h"
#include "tcpeek.skel.h"

namespace tcpeek {
namespace {

// Upkeep is done in pieces of this many connections, so that packets wait for a fraction of a
// millisecond only.
constexpr std::uint32_t kPiece = 512;
// Most places of the table of attempts are empty.
constexpr std::uint32_t kPlaces = 8'192;
constexpr Duration kSweepEvery = Duration::seconds(1);
// A SYN that entered its connection so long ago has reached user space, or was lost.
constexpr Duration kSurelyHandled = Duration::seconds(10);
// An attempt is forgotten a second after its last SYN at the earliest (-t 1).
constexpr Duration kNewerSyn = Duration::milliseconds(500);
// How long a refilling of the table that did not succeed is not tried again.
constexpr Duration kRefillEvery = Duration::seconds(1);

struct Destroy {
    void operator()(tcpeek_bpf* skeleton) const { tcpeek_bpf::destroy(skeleton); }
};
using Skeleton = std::unique_ptr<tcpeek_bpf, Destroy>;

std::uint64_t boot_nanoseconds() {
    return static_cast<std::uint64_t>(boot_clock_now().ns);
}

// libbpf tells of failures through errno; its own text goes nowhere.
int say_nothing(libbpf_print_level, const char*, va_list) {
    return 0;
}

// Before, a process without CAP_BPF could not touch tables that it had opened as root, where
// kernel.unprivileged_bpf_disabled is set, as distributions do (kernel/bpf/syscall.c). Taking an
// entry out at once came with 5.14.
bool kernel_is_new_enough() {
    utsname name{};
    unsigned major = 0;
    unsigned minor = 0;
    return ::uname(&name) == 0 && std::sscanf(name.release, "%u.%u", &major, &minor) == 2 &&
           (major > 5 || (major == 5 && minor >= 19));
}

Error load_error(int error) {
    if (error == EPERM || error == EACCES) {
        return Error{
            "there is no right to load programs into the kernel (CAP_BPF and CAP_NET_ADMIN)"};
    }
    return Error{
        fmt::format("the kernel does not take the filter's programs: {}", std::strerror(error))};
}

}  // namespace

class KernelFilter::Programs {
  public:
    Programs(Skeleton skeleton, const KernelFilterOptions& options)
        : skeleton_(std::move(skeleton)), capacity_(options.connections) {}

    static Result<Skeleton> load(const KernelFilterOptions& options);

    [[nodiscard]] const tcpeek_bpf& skeleton() const { return *skeleton_; }
    // Whether it is there now.
    bool enter(const tcpeek_key& key, std::uint32_t isn);
    void remove(const tcpeek_key& key, std::uint32_t isn, Removal why);
    void note_failed_insert() { std::atomic_ref(control().failed_inserts).fetch_add(1); }
    void tend(const AttemptDirectory& attempts, Timestamp handled_until);
    [[nodiscard]] bool is_being_refilled() const { return refill_.has_value(); }
    [[nodiscard]] KernelFilterStatistics statistics() const;

    [[nodiscard]] std::uint64_t lost() const { return read(control().lost_records); }
    void arm() { write(control().armed, 1); }

  private:
    struct Refill {
        std::uint64_t failed_inserts = 0;  // those that it makes good
        Timestamp since;                   // begun when all packets up to then were handled
        std::uint32_t cursor = 0;
        bool begun = false;
    };

    [[nodiscard]] tcpeek_control& control() const { return skeleton_->bss->control; }
    [[nodiscard]] int connections() const { return bpf_map__fd(skeleton_->maps.connections); }
    static __u64 read(__u64& word) { return std::atomic_ref(word).load(std::memory_order_seq_cst); }
    static void write(__u64& word, __u64 value) {
        std::atomic_ref(word).store(value, std::memory_order_seq_cst);
    }

    // Takes the connection out unless `keep` says of what was found that it must stay.
    template <typename Keep>
    bool take_out(const tcpeek_key& key, Keep keep);
    void sweep(const AttemptDirectory& attempts);
    void refill(const AttemptDirectory& attempts, Timestamp handled_until);
    bool put_in(const AttemptDirectory& attempts);

    Skeleton skeleton_;
    std::uint64_t capacity_;
    Duration last_sweep_;
    std::optional<std::uint32_t> sweep_token_;
    std::optional<Refill> refill_;
    Duration next_refill_;
    std::uint64_t failed_seen_ = 0;
    std::uint64_t degradations_ = 0;
    std::uint64_t removed_ = 0;
    std::uint64_t swept_ = 0;
};

Result<Skeleton> KernelFilter::Programs::load(const KernelFilterOptions& options) {
    libbpf_set_print(say_nothing);
    if (!kernel_is_new_enough()) {
        return Error{
            "the kernel lets only a privileged process take entries out of its tables (Linux 5.19 "
            "is new enough)"};
    }
    Skeleton skeleton(tcpeek_bpf::open());
    if (!skeleton) {
        return load_error(errno);
    }
    const bool ring = options.ring_octets > 0;
    skeleton->rodata->look_at_icmp = options.icmp ? 1 : 0;
    skeleton->rodata->may_advance = options.judges_all ? 1 : 0;
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

// An ACK whose connection is missing for the moment between the two calls passes: `sequence` is
// odd then, and was another one before.
template <typename Keep>
bool KernelFilter::Programs::take_out(const tcpeek_key& key, Keep keep) {
    tcpeek_connection found{};
    write(control().sequence, control().sequence + 1);
    const bool was_there = bpf_map_lookup_and_delete_elem(connections(), &key, &found) == 0;
    const bool stays = was_there && keep(found);
    if (stays) {
        // Fails where a SYN came in between, which is as good; where memory is short it counts as
        // a failed insert of the programs does.
        const int error = bpf_map_update_elem(connections(), &key, &found, BPF_NOEXIST);
        if (error != 0 && error != -EEXIST) {
            note_failed_insert();
        }
    }
    write(control().sequence, control().sequence + 1);
    return was_there && !stays;
}

bool KernelFilter::Programs::enter(const tcpeek_key& key, std::uint32_t isn) {
    tcpeek_connection connection{};
    connection.stamp = boot_nanoseconds();
    connection.isn = isn;
    connection.both_ways = 1;
    const int error = bpf_map_update_elem(connections(), &key, &connection, BPF_NOEXIST);
    return error == 0 || error == -EEXIST;
}

void KernelFilter::Programs::remove(const tcpeek_key& key, std::uint32_t isn, Removal why) {
    const std::uint64_t now = boot_nanoseconds();
    const bool removed = take_out(key, [&](const tcpeek_connection& found) {
        const bool newer = why == Removal::forgotten &&
                           found.stamp + static_cast<std::uint64_t>(kNewerSyn.ns) > now;
        return found.isn != isn || newer;
    });
    removed_ += removed ? 1U : 0U;
}

void KernelFilter::Programs::tend(const AttemptDirectory& attempts, Timestamp handled_until) {
    const std::uint64_t failed = read(control().failed_inserts);
    if (failed != failed_seen_) {
        degradations_ += failed_seen_ == control().resolved ? 1U : 0U;
        failed_seen_ = failed;
    }
    if (failed != control().resolved) {
        refill(attempts, handled_until);
    }
    const Duration now = boot_clock_now();
    if (sweep_token_ || now - last_sweep_ >= kSweepEvery) {
        last_sweep_ = now;
        sweep(attempts);
    }
}

// Looks at one piece of the table, and at the next one in the next call.
void KernelFilter::Programs::sweep(const AttemptDirectory& attempts) {
    std::vector<tcpeek_key> keys(kPiece);
    std::vector<tcpeek_connection> found(kPiece);
    std::uint32_t count = kPiece;
    std::uint32_t next = 0;
    const int error = bpf_map_lookup_batch(connections(), sweep_token_ ? &*sweep_token_ : nullptr,
                                           &next, keys.data(), found.data(), &count, nullptr);
    // At the table's end it says ENOENT, with the last of it.
    if (error != 0 && error != -ENOENT) {
        sweep_token_.reset();
        return;
    }
    sweep_token_ = error == 0 ? std::optional(next) : std::nullopt;
    const std::uint64_t now = boot_nanoseconds();
    const auto age = static_cast<std::uint64_t>(kSurelyHandled.ns);
    for (std::uint32_t i = 0; i < count; ++i) {
        const std::uint64_t stamp = found[i].stamp;
        if (stamp + age > now || attempts.has_attempt(key_of(keys[i]))) {
            continue;
        }
        const bool removed = take_out(
            keys[i], [stamp](const tcpeek_connection& taken) { return taken.stamp != stamp; });
        swept_ += removed ? 1U : 0U;
    }
}

// A SYN that found no room may have an attempt now, of which nobody knows which it is: once all
// packets up to here are handled, every attempt is entered, and then none is missing.
void KernelFilter::Programs::refill(const AttemptDirectory& attempts, Timestamp handled_until) {
    if (!refill_) {
        if (boot_clock_now() < next_refill_ || attempts.attempts() > capacity_) {
            return;
        }
        refill_ = Refill{read(control().failed_inserts), wall_clock_now(), 0, false};
    }
    if (!refill_->begun && handled_until < refill_->since) {
        return;
    }
    refill_->begun = true;
    const std::uint64_t made_good = refill_->failed_inserts;
    if (!put_in(attempts)) {
        return;
    }
    if (refill_) {
        write(control().resolved, made_good);
    }
    refill_.reset();
    next_refill_ = boot_clock_now() + kRefillEvery;
}

// Whether it is over, be it that there was no room (then `refill_` is empty).
bool KernelFilter::Programs::put_in(const AttemptDirectory& attempts) {
    bool room = true;
    const bool more = attempts.visit_attempts(refill_->cursor, kPlaces,
                                              [&](const ConnectionKey& key, SeqNumber isn) {
                                                  room = enter(kernel_key(key), isn.value);
                                                  return room;
                                              });
    if (!room) {
        refill_.reset();
    }
    return !room || !more;
}

KernelFilterStatistics KernelFilter::Programs::statistics() const {
    KernelFilterStatistics statistics;
    statistics.capacity = capacity_;
    statistics.failed_inserts = read(control().failed_inserts);
    statistics.state = statistics.failed_inserts == read(control().resolved)
                           ? KernelFilterState::exact
                           : KernelFilterState::degraded;
    statistics.degradations = degradations_;
    statistics.removed = removed_;
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
    Result<Skeleton> skeleton = Programs::load(options);
    if (!skeleton) {
        return skeleton.error();
    }
    return std::unique_ptr<KernelFilter>(
        new KernelFilter(std::make_unique<Programs>(std::move(skeleton).value(), options)));
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

bool KernelFilter::is_being_refilled() const {
    return programs_->is_being_refilled();
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
