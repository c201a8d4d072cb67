// The filter's programs as libbpf loaded them, and the upkeep of their table.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "bpf/shared.h"
#include "capture/boot_clock.h"
#include "capture/kernel_filter.h"
#include "tcpeek.skel.h"

namespace tcpeek {

class KernelFilter::Programs {
  public:
    struct Destroy {
        void operator()(tcpeek_bpf* skeleton) const { tcpeek_bpf::destroy(skeleton); }
    };
    using Skeleton = std::unique_ptr<tcpeek_bpf, Destroy>;

    Programs(Skeleton skeleton, const KernelFilterOptions& options)
        : skeleton_(std::move(skeleton)), capacity_(options.connections) {}

    static Result<Skeleton> load(const KernelFilterOptions& options);

    [[nodiscard]] const tcpeek_bpf& skeleton() const { return *skeleton_; }
    // Whether it is there now.
    bool enter(const tcpeek_key& key, std::uint32_t isn);
    void remove(const tcpeek_key& key, std::uint32_t isn, Removal why);
    void note_failed_insert() { std::atomic_ref(control().failed_inserts).fetch_add(1); }
    void tend(const AttemptDirectory& attempts, Timestamp handled_until);
    [[nodiscard]] bool wants_tending_soon() const { return refill_ || sweep_finds_much_; }
    [[nodiscard]] bool slots_are_exact() const;
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

    // A connection to be removed when no SYN of it can be on its way any more, if it is unused
    // then.
    struct Later {
        tcpeek_key key;
        std::uint32_t isn = 0;
        std::uint64_t due = 0;  // boot clock, ns
    };

    [[nodiscard]] tcpeek_control& control() const { return skeleton_->bss->control; }
    [[nodiscard]] int connections() const { return bpf_map__fd(skeleton_->maps.connections); }
    static std::uint64_t boot_nanoseconds() {
        return static_cast<std::uint64_t>(boot_clock_now().ns);
    }
    static __u64 read(__u64& word) { return std::atomic_ref(word).load(std::memory_order_seq_cst); }
    static void write(__u64& word, __u64 value) {
        std::atomic_ref(word).store(value, std::memory_order_seq_cst);
    }

    // An attempt is forgotten a second after its last SYN at the earliest (-t 1).
    static constexpr Duration kNewerSyn = Duration::milliseconds(500);
    // Whether the connection's last SYN may not have reached user space yet.
    static bool may_be_on_its_way(const tcpeek_connection& connection, std::uint64_t now) {
        return connection.stamp + static_cast<std::uint64_t>(kNewerSyn.ns) > now;
    }
    // Whether the kernel looks a connection up and deletes it by one call (Linux 5.14).
    static bool takes_out_at_once(int connections);
    [[nodiscard]] std::atomic_ref<__u64> slot_of(const tcpeek_key& key) const {
        return std::atomic_ref(skeleton_->bss->slots[tcpeek_slot_of(&key)]);
    }
    // Puts the connection in where none of the pair is. Returns 0 or what the kernel says.
    int put_in(const tcpeek_key& key, const tcpeek_connection& connection);
    // Takes the connection out unless `keep` says of what was found that it must stay.
    template <typename Keep>
    bool take_out(const tcpeek_key& key, Keep keep);
    template <typename Keep>
    bool take_out_at_once(const tcpeek_key& key, Keep keep);
    template <typename Keep>
    bool take_out_in_two_steps(const tcpeek_key& key, Keep keep);
    void forget_unknown(Timestamp handled_until);
    void remove_later_ones(const AttemptDirectory& attempts);
    void sweep(const AttemptDirectory& attempts);
    void refill(const AttemptDirectory& attempts, Timestamp handled_until);
    bool put_in_all(const AttemptDirectory& attempts);

    Skeleton skeleton_;
    std::uint64_t capacity_;
    bool takes_out_at_once_ = takes_out_at_once(connections());
    Duration last_sweep_;
    std::optional<std::uint32_t> sweep_token_;
    bool sweep_finds_much_ = false;  // its last piece did, and there are more
    std::deque<Later> later_;        // by `due`
    std::optional<Refill> refill_;
    Duration next_refill_;
    std::uint64_t failed_seen_ = 0;
    std::uint64_t degradations_ = 0;
    std::uint64_t removed_ = 0;
    std::uint64_t swept_ = 0;
};

// An ACK whose connection is missing for the moment between two calls passes: `sequence` is
// odd then, and was another one before.
template <typename Keep>
bool KernelFilter::Programs::take_out(const tcpeek_key& key, Keep keep) {
    write(control().sequence, control().sequence + 1);
    const bool taken =
        takes_out_at_once_ ? take_out_at_once(key, keep) : take_out_in_two_steps(key, keep);
    write(control().sequence, control().sequence + 1);
    return taken;
}

template <typename Keep>
bool KernelFilter::Programs::take_out_at_once(const tcpeek_key& key, Keep keep) {
    tcpeek_connection found{};
    const bool was_there = bpf_map_lookup_and_delete_elem(connections(), &key, &found) == 0;
    if (was_there) {
        slot_of(key).fetch_sub(1);
    }
    const bool stays = was_there && keep(found);
    if (stays) {
        // Fails where a SYN came in between, which is as good; where memory is short it counts as
        // a failed insert of the programs does.
        const int error = put_in(key, found);
        if (error != 0 && error != -EEXIST) {
            note_failed_insert();
        }
    }
    return was_there && !stays;
}

// Where a SYN of the slot enters meanwhile, it may be what was taken out: as if it had found no
// room. One that is on its way when the slot is read counts, too.
template <typename Keep>
bool KernelFilter::Programs::take_out_in_two_steps(const tcpeek_key& key, Keep keep) {
    tcpeek_connection found{};
    const std::uint64_t slot_before = slot_of(key).load();
    if (bpf_map_lookup_elem(connections(), &key, &found) != 0 || keep(found) ||
        bpf_map_delete_elem(connections(), &key) != 0) {
        return false;
    }
    const std::uint64_t slot_after = slot_of(key).fetch_sub(1);
    if ((slot_before & TCPEEK_SLOT_ENTERING) != 0 ||
        ((slot_after ^ slot_before) & ~TCPEEK_SLOT_COUNT) != 0) {
        note_failed_insert();
    }
    return true;
}

}  // namespace tcpeek
