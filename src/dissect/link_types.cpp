// The table of link types: a new one is a row here and a file of its own.
#include <algorithm>
#include <array>

#include "dissect/layers.h"

namespace tcpeek {
namespace {

struct LinkTypeRow {
    std::uint32_t number;  // LINKTYPE_, https://www.tcpdump.org/linktypes.html
    Step::Protocol protocol;
};

// 12 and 14 are what some systems wrote for raw IP before it had a number of its own.
constexpr std::array<LinkTypeRow, 10> kLinkTypes{{
    {0, dissect_null},
    {1, dissect_ethernet},
    {12, dissect_raw_ip},
    {14, dissect_raw_ip},
    {101, dissect_raw_ip},
    {108, dissect_loop},
    {113, dissect_sll},
    {228, dissect_ipv4},
    {229, dissect_ipv6},
    {276, dissect_sll2},
}};

}  // namespace

Step by_link_type(LinkType link_type, Dissection& dissection) {
    const auto row = std::find_if(kLinkTypes.begin(), kLinkTypes.end(), [&](const auto& candidate) {
        return candidate.number == link_type.number;
    });
    return row == kLinkTypes.end() ? ignore(dissection, IgnoredReason::link_type_unknown)
                                   : hand_on(row->protocol);
}

}  // namespace tcpeek
