// The filter's programs at the tcx hooks of one interface, for as long as this lives.
#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "capture/kernel_filter.h"
#include "capture/live_links.h"

namespace tcpeek {

class TcxTap {
  public:
    // Attaches before other programs, so that none that redirects hides packets; on the loopback
    // interface on the way in only, since each of its packets comes by both ways. Also on an
    // interface that is down. Errors: a link type that the programs do not know, a kernel without
    // these hooks (before 6.6), no right.
    static Result<TcxTap> attach(const KernelFilter& filter, const Link& link, bool promiscuous);

    // Whether this kernel has the hooks, before any program is loaded; the error says it.
    static Result<void> known_to_kernel();

    [[nodiscard]] unsigned interface_index() const { return interface_index_; }
    // What its packets begin with, for the `listening on` line.
    [[nodiscard]] PacketStart start() const { return start_; }

  private:
    TcxTap(unsigned interface_index, PacketStart start)
        : interface_index_(interface_index), start_(start) {}

    unsigned interface_index_;
    PacketStart start_;
    UniqueFd ingress_;  // BPF links: the kernel detaches when they are closed
    UniqueFd egress_;
    UniqueFd promiscuous_;  // a socket that holds the interface in that mode
};

}  // namespace tcpeek
