// What stands for the kernel filter in a build without it: nothing can be loaded.
#include "base/assert.h"
#include "capture/kernel_filter.h"
#include "capture/packet_ring.h"

namespace tcpeek {

class KernelFilter::Programs {};
class PacketRing::Consumer {};

Result<std::unique_ptr<KernelFilter>> KernelFilter::load(const KernelFilterOptions&) {
    return Error{"this program was built without the kernel filter"};
}

bool KernelFilter::table_needs_right() {
    return false;
}

KernelFilter::KernelFilter(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}
KernelFilter::~KernelFilter() = default;

int KernelFilter::socket_program(PacketStart) const {
    TCPEEK_UNREACHABLE("there is no kernel filter");
}
int KernelFilter::hook_program(PacketSide, PacketStart) const {
    TCPEEK_UNREACHABLE("there is no kernel filter");
}
int KernelFilter::ring() const {
    TCPEEK_UNREACHABLE("there is no kernel filter");
}
void KernelFilter::enter(const ConnectionKey&, SeqNumber) {}
void KernelFilter::remove(const ConnectionKey&, SeqNumber, Removal) {}
void KernelFilter::tend(const AttemptDirectory&, Timestamp) {}
KernelFilterStatistics KernelFilter::statistics() const {
    return {};
}
bool KernelFilter::slots_are_exact() const {
    return true;
}
bool KernelFilter::wants_tending_soon() const {
    return false;
}
std::uint64_t KernelFilter::lost() const {
    return 0;
}
std::uint64_t KernelFilter::lost_of(unsigned) const {
    return 0;
}
void KernelFilter::arm() {}

Result<std::unique_ptr<PacketRing>> PacketRing::open(KernelFilter&) {
    TCPEEK_UNREACHABLE("there is no kernel filter");
}
PacketRing::PacketRing(std::unique_ptr<Consumer> consumer) : consumer_(std::move(consumer)) {}
PacketRing::~PacketRing() = default;
int PacketRing::descriptor() const {
    TCPEEK_UNREACHABLE("there is no kernel filter");
}
std::size_t PacketRing::read(std::size_t, Duration, const Visitor&) {
    return 0;
}

}  // namespace tcpeek
