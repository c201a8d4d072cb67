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
constexpr std::array<LinkTypeRow, 19> kLinkTypes{{
    {0, dissect_null},
    {1, dissect_ethernet},
    {9, dissect_ppp_hdlc},
    {12, dissect_raw_ip},
    {14, dissect_raw_ip},
    {50, dissect_ppp_hdlc},
    {51, dissect_pppoe},
    {101, dissect_raw_ip},
    {104, dissect_cisco_hdlc},
    {105, dissect_ieee80211},
    {108, dissect_loop},
    {113, dissect_sll},
    {127, dissect_radiotap},
    {166, dissect_ppp_with_direction},
    {204, dissect_ppp_with_direction},
    {228, dissect_ipv4},
    {229, dissect_ipv6},
    {239, dissect_nflog},
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
