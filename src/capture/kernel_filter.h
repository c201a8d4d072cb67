// The filter in the kernel (bpf/): its programs, and its table of the connections that have an
// attempt now. It may only save work; what it lets through and why stands in bpf/tcpeek.bpf.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/result.h"
#include "base/timestamp.h"
#include "capture/attempt_directory.h"
#include "net/connection_key.h"
#include "net/seq_number.h"

namespace tcpeek {

struct KernelFilterOptions {
    bool icmp = false;
    // Every packet that is handed over is judged: none is left out for a wrong checksum.
    bool judges_all = false;
    std::uint32_t snapshot_length = 0;  // octets of each packet
    std::uint32_t connections = 0;      // size of the table
    // Octets of the ring that carries packets to user space, a power of two of at least a page;
    // 0 where a packet socket does that.
    std::uint32_t ring_octets = 0;
};

// What a packet's octets begin with, for a program.
enum class PacketStart : std::uint8_t {
    ethernet,
    network,  // what skb->protocol says: IP mostly
};
enum class PacketSide : std::uint8_t { ingress, egress };

enum class KernelFilterState : std::uint8_t {
    off,
    degraded,  // ACKs of connections that are not in the table pass, too: it was too small
    exact,
};

struct KernelFilterStatistics {
    KernelFilterState state = KernelFilterState::off;
    std::uint64_t capacity = 0;        // connections
    std::uint64_t failed_inserts = 0;  // SYNs that found no room in the table
    std::uint64_t degradations = 0;    // how often it became `degraded`
    std::uint64_t removed = 0;         // connections whose attempt was over
    std::uint64_t swept = 0;           // connections nobody had use for: their SYN was lost
    bool runs_are_told = false;        // the kernel counts only with kernel.bpf_stats_enabled=1
    std::uint64_t runs = 0;
    Duration run_time;
};

// Belongs to one thread, the capture thread.
class KernelFilter {
  public:
    // Errors: not built in, no right to load programs, a kernel that cannot; the message says
    // which in a few words that fit after "because".
    static Result<std::unique_ptr<KernelFilter>> load(const KernelFilterOptions& options);
    // Whether a process needs CAP_BPF, not only the table's descriptor, for as long as it changes
    // the table.
    static bool table_needs_right();
    ~KernelFilter();
    KernelFilter(const KernelFilter&) = delete;
    KernelFilter& operator=(const KernelFilter&) = delete;

    // Descriptors that belong to the filter.
    [[nodiscard]] int socket_program(PacketStart start) const;
    [[nodiscard]] int hook_program(PacketSide side, PacketStart start) const;
    [[nodiscard]] int ring() const;

    // Enters a connection, unless it is there; for a SYN that the programs did not understand.
    void enter(const ConnectionKey& key, SeqNumber isn);

    // Why a connection is taken out of the table.
    enum class Removal : std::uint8_t {
        judged,     // success, unjudged, or never tracked: packets of the same ISN are over
        forgotten,  // a failure too old to be remembered: the same ISN may come again
    };
    // No attempt of the pair is left; `isn` is that of the last SYN of it that was handled. A
    // newer SYN that is on its way keeps the connection in the table.
    void remove(const ConnectionKey& key, SeqNumber isn, Removal why);

    // A piece of upkeep, to be called between packets: removes what nobody has use for, and
    // makes a degraded filter exact again. All packets up to `handled_until` have been handled.
    void tend(const AttemptDirectory& attempts, Timestamp handled_until);

    // While no packets come: whether each slot counts its connections, no more and no fewer
    // (bpf/shared.h). A look at the whole table, for tests.
    [[nodiscard]] bool slots_are_exact() const;

    // Whether there is more upkeep than can wait for the next packet.
    [[nodiscard]] bool wants_tending_soon() const;
    [[nodiscard]] KernelFilterStatistics statistics() const;

    // Packets that found no room in the ring.
    [[nodiscard]] std::uint64_t lost() const;
    [[nodiscard]] std::uint64_t lost_of(unsigned interface_index) const;

    // The user of the ring is about to sleep: its next packet shall make it readable, however few
    // there are.
    void arm();

  private:
    class Programs;
    explicit KernelFilter(std::unique_ptr<Programs> programs);

    std::unique_ptr<Programs> programs_;
};

}  // namespace tcpeek
