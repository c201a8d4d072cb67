"""The table of link types and encapsulations: a row has a name, a LINKTYPE number and one small function.

The function gives the bytes that stand before the IP packet. It is handed the packet itself, so that a
tunnel's function can fill in outer lengths and checksums. A new link type is one function and one row;
what lies inside other things is a `stack` of steps, the innermost first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

from .link_headers import (MAC_CLIENT, MAC_SERVER, cisco_hdlc, control_word, ethernet, ethernet_llc, mpls, nflog, ppp,
                           ppp_compressed, pppoe, prefix, radiotap, service_instance, tag, wifi)
from .stage import Inside, Step, stack
from .tunnels import (erspan1, erspan2, erspan3, geneve, gre, gtp, ip, l2tp, pptp, teredo, udp, vxlan, vxlan_gpe)

_ETHERTYPE = {4: 0x0800, 6: 0x86DD}
_HDLC = b"\xff\x03"
_L2TP = ("-d", "l2tp.pw_type==0,eth")


@dataclass(frozen=True)
class Link:
    """`vlans` and `tunnel` are what the records of this row name; frames are filled up to `minimum` bytes, and
    `trailer` follows them. What is not `usual` is written only for a script that asks for it. Of a `common` row
    each script is written in several variants, of the others in one. `tshark` are the options with which it reads
    them, or nothing where it cannot."""

    name: str
    linktype: int
    header: Callable[[Inside], bytes]
    vlans: tuple[int, ...] = ()
    tunnel: str = ""
    minimum: int = 0
    families: tuple[int, ...] = (4, 6)
    usual: bool = True
    common: bool = True
    trailer: bytes = b""
    tshark: tuple[str, ...] | None = ()

    def frame(self, inside: Inside) -> tuple[bytes, int]:
        """The whole frame, and where the IP packet begins in it."""
        header = self.header(inside)
        return (header + inside.ip).ljust(self.minimum, b"\0") + self.trailer, len(header)


def _ethernet(inside: Inside) -> bytes:
    """Ethernet II with as many tags as there are VLANs: the outer of two is a service tag (IEEE 802.1ad)."""
    macs = (MAC_SERVER, MAC_CLIENT) if inside.from_client else (MAC_CLIENT, MAC_SERVER)
    tags = b""
    for position, vlan in enumerate(inside.vlans):
        service = position < len(inside.vlans) - 1
        tags += struct.pack("!HH", 0x88A8 if service else 0x8100, (3 << 13) | vlan)
    return b"".join(macs) + tags + struct.pack("!H", _ETHERTYPE[inside.family])


def _sll(inside: Inside) -> bytes:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD_ETHER, address length, address, protocol. The tag of a packet that
    Linux kept beside it stands behind the address."""
    kind, mac = (4, MAC_CLIENT) if inside.from_client else (0, MAC_SERVER)
    tags = b"".join(struct.pack("!HH", 0x8100, vlan) for vlan in inside.vlans)
    return struct.pack("!HHH6sH", kind, 1, 6, mac, 0) + tags + struct.pack("!H", _ETHERTYPE[inside.family])


def _sll2(inside: Inside) -> bytes:
    """LINKTYPE_LINUX_SLL2: protocol first, then the interface's index."""
    kind, mac = (4, MAC_CLIENT) if inside.from_client else (0, MAC_SERVER)
    names = [0x8100] * len(inside.vlans) + [_ETHERTYPE[inside.family]]
    tags = b"".join(struct.pack("!HH", vlan, name) for vlan, name in zip(inside.vlans, names[1:]))
    return struct.pack("!HHIHBB6sH", names[0], 0, 2, 1, kind, 6, mac, 0) + tags


def _sll2_inner_tag(inside: Inside) -> bytes:
    """As Linux writes two tags since 6.11: the outer one is lost, the protocol is that behind the inner one, which
    stands before the packet."""
    kind, mac = (4, MAC_CLIENT) if inside.from_client else (0, MAC_SERVER)
    ether_type = _ETHERTYPE[inside.family]
    return struct.pack("!HHIHBB6sHHH", ether_type, 0, 2, 1, kind, 6, mac, 0, 3 << 13 | inside.vlans[0], ether_type)


def _sll_two_tags(inside: Inside) -> bytes:
    """The same with the outer tag put back, as libpcap does it in the first cooked form: it names what is behind the
    inner one."""
    kind, mac = (4, MAC_CLIENT) if inside.from_client else (0, MAC_SERVER)
    outer, inner = inside.vlans
    ether_type = _ETHERTYPE[inside.family]
    return struct.pack("!HHH6sHHHHHH", kind, 1, 6, mac, 0, 0x88A8, outer, ether_type, 3 << 13 | inner, ether_type)


def _sll_llc(inside: Inside) -> bytes:
    """A frame with a length, as Linux names it, then LLC and SNAP."""
    kind, mac = (4, MAC_CLIENT) if inside.from_client else (0, MAC_SERVER)
    return struct.pack("!HHH6sHH", kind, 1, 6, mac, 0, 4) + b"\xaa\xaa\x03\0\0\0" \
        + struct.pack("!H", _ETHERTYPE[inside.family])


def _raw(_inside: Inside) -> bytes:
    return b""


def _null(inside: Inside) -> bytes:
    """BSD loopback: the address family in the byte order of the host that captured (30: AF_INET6 of Darwin)."""
    return struct.pack("<I" if inside.little_endian else ">I", 2 if inside.family == 4 else 30)


def _loop(inside: Inside) -> bytes:
    """OpenBSD loopback: the address family in network order (24: AF_INET6 of OpenBSD)."""
    return struct.pack("!I", 2 if inside.family == 4 else 24)


def _rare(name: str, linktype: int, *steps: Step, trailer: bytes = b"", families: tuple[int, ...] = (4, 6),
          vlans: tuple[int, ...] = (), tshark: tuple[str, ...] | None = ()) -> Link:
    return Link(name, linktype, stack(*steps), vlans=vlans, families=families, common=False, trailer=trailer,
                tshark=tshark)


def _tunnel(name: str, named: str, *steps: Step, families: tuple[int, ...] = (4, 6),
            vlans: tuple[int, ...] = (), tshark: tuple[str, ...] | None = ()) -> Link:
    """In Ethernet; `steps` end with the outermost IP header."""
    return Link(name, 1, stack(*steps, ethernet), vlans=vlans, tunnel=named, families=families, common=False,
                tshark=tshark)


TABLE = (
    Link("eth", 1, _ethernet, minimum=60),
    Link("vlan", 1, _ethernet, vlans=(10,)),
    Link("qinq", 1, _ethernet, vlans=(10, 20)),
    Link("sll", 113, _sll),
    Link("sll2", 276, _sll2),
    Link("raw", 101, _raw),
    Link("ipv4", 228, _raw, families=(4,)),
    Link("ipv6", 229, _raw, families=(6,)),
    Link("null", 0, _null),
    Link("loop", 108, _loop),
    Link("user0", 147, _raw, usual=False),

    Link("sll_vlan", 113, _sll, vlans=(10,), common=False),
    Link("sll2_vlan", 276, _sll2, vlans=(10, 20), common=False),
    Link("sll2_inner_tag", 276, _sll2_inner_tag, vlans=(1600,), common=False, tshark=None),
    Link("sll_two_tags", 113, _sll_two_tags, vlans=(20, 10), common=False, tshark=None),
    Link("sll_llc", 113, _sll_llc, common=False),
    # The frame check sequence was captured, too.
    Link("eth_fcs", 1, _ethernet, minimum=60, common=False, trailer=b"\xde\xad\xbe\xef"),
    _rare("llc", 1, ethernet_llc),
    _rare("ppp", 9, ppp, prefix(_HDLC)),
    _rare("ppp_bare", 9, ppp_compressed),
    _rare("ppp_hdlc", 50, ppp, prefix(_HDLC)),
    _rare("ppp_hdlc_cisco", 50, cisco_hdlc),
    _rare("ppp_direction", 204, ppp, prefix(_HDLC), prefix(b"\1")),
    _rare("ppp_pppd", 166, ppp, prefix(b"\1\x03"), tshark=None),
    _rare("ppp_mpls", 50, mpls(16), ppp, prefix(_HDLC)),
    _rare("cisco_hdlc", 104, cisco_hdlc),
    _rare("pppoe", 1, ppp, pppoe, ethernet),
    _rare("pppoe_compressed", 1, ppp_compressed, pppoe, ethernet),
    _rare("pppoe_link", 51, ppp, pppoe),
    _rare("nflog", 239, nflog),
    _rare("wifi", 105, wifi()),
    _rare("wifi_qos", 105, wifi(qos=True)),
    _rare("wifi_bridge", 105, wifi(four_addresses=True)),
    _rare("wifi_aggregated", 105, wifi(qos=True, aggregated=True)),
    _rare("radiotap", 127, wifi(), radiotap()),
    _rare("radiotap_fcs", 127, wifi(qos=True), radiotap(flags=0x10, words=3), trailer=b"\x12\x34\x56\x78"),
    _rare("radiotap_padded", 127, wifi(qos=True, pad=True), radiotap(flags=0x20, words=2)),
    _rare("backbone", 1, ethernet, service_instance, tag(10, 0x88A8), ethernet, vlans=(10,)),
    _rare("backbone_vlan", 1, tag(30), ethernet, service_instance, tag(10, 0x88A8), ethernet, vlans=(10, 30)),
    _rare("mpls", 1, mpls(16), ethernet),
    _rare("mpls_stack", 1, mpls(16, 17, 18), ethernet),
    _rare("pseudo_wire", 1, ethernet, control_word, mpls(16, 17), ethernet, tshark=("-d", "mpls.label==17,pwethcw")),
    _rare("pseudo_wire_vlan", 1, tag(10), ethernet, control_word, mpls(16), ethernet, vlans=(10,),
          tshark=("-d", "mpls.label==16,pwethcw")),
    _rare("pseudo_wire_bare", 1, ethernet, mpls(16), ethernet, tshark=("-d", "mpls.label==16,pwethnocw")),

    _tunnel("ipip", "ipip", ip(4), families=(4,)),
    _tunnel("4in6", "4in6", ip(6), families=(4,)),
    _tunnel("6in4", "6in4", ip(4), families=(6,)),
    _tunnel("6in6", "6in6", ip(6), families=(6,)),
    _tunnel("ipip_in_6", "4in6/ipip", ip(4), ip(6), families=(4,)),
    _tunnel("gre", "gre", gre(), ip(4)),
    _tunnel("gre_options", "gre", gre(checksum=True, key=True, sequence=True), ip(6)),
    _tunnel("gre_key", "gre", gre(key=True), ip(4)),
    _tunnel("gre_routing", "gre", gre(checksum=True, routing=True), ip(4)),
    _tunnel("gre_bridged", "gre", tag(10), ethernet, gre(), ip(4), vlans=(10,)),
    _tunnel("gre_mpls", "gre", mpls(16), gre(), ip(4)),
    _tunnel("gre_udp", "gre", gre(key=True), udp(4754), ip(4)),
    _tunnel("pptp", "gre", ppp, prefix(_HDLC), pptp, ip(4)),
    _tunnel("vxlan", "vxlan", ethernet, vxlan, udp(4789), ip(4)),
    _tunnel("vxlan_6", "vxlan", ethernet, vxlan, udp(4789), ip(6)),
    Link("vxlan_vlan", 1, stack(tag(20), ethernet, vxlan, udp(4789), ip(4), tag(10), ethernet), vlans=(10, 20),
         tunnel="vxlan", common=False),
    _tunnel("vxlan_gpe", "vxlan", vxlan_gpe, udp(4790), ip(4)),
    _tunnel("vxlan_gpe_bridged", "vxlan", ethernet, vxlan_gpe, udp(4790), ip(4)),
    _tunnel("geneve", "geneve", ethernet, geneve(0), udp(6081), ip(4)),
    _tunnel("geneve_options", "geneve", ethernet, geneve(3), udp(6081), ip(6)),
    _tunnel("geneve_ip", "geneve", geneve(1), udp(6081), ip(4)),
    _tunnel("gtp", "gtp", gtp(), udp(2152, either=True), ip(4)),
    _tunnel("gtp_sequence", "gtp", gtp(sequence=True), udp(2152), ip(4)),
    _tunnel("gtp_extensions", "gtp", gtp(extensions=2, sequence=True), udp(2152, either=True), ip(6)),
    _tunnel("erspan1", "erspan", ethernet, erspan1, ip(4)),
    _tunnel("erspan2", "erspan", ethernet, erspan2, ip(4)),
    _tunnel("erspan3", "erspan", ethernet, erspan3(), ip(4)),
    _tunnel("erspan3_platform", "erspan", tag(10), ethernet, erspan3(platform=True), ip(6), vlans=(10,)),
    _tunnel("teredo", "teredo", teredo(), udp(3544, either=True), ip(4), families=(6,)),
    _tunnel("teredo_indications", "teredo", teredo(indications=True), udp(3544, either=True), ip(4), families=(6,)),
    _tunnel("l2tp", "l2tp", ethernet, l2tp(), ip(4), tshark=(*_L2TP, "-o", "l2tp.cookie_size:None", "-o", "l2tp.l2_specific:None")),
    _tunnel("l2tp_sublayer", "l2tp", ethernet, l2tp(b"cookie!!", b"\0\0\0\5"), ip(6),
            tshark=(*_L2TP, "-o", "l2tp.cookie_size:8 Byte Cookie", "-o", "l2tp.l2_specific:Default L2-Specific")),
    _tunnel("erspan_vxlan", "erspan/vxlan", ethernet, vxlan, udp(4789), ip(4), ethernet, erspan2, ip(4)),
    _tunnel("gtp_6in4_gre", "gre/6in4/gtp", gtp(), udp(2152), ip(6), ip(4), gre(), ip(4)),
)

USUAL = {link.name for link in TABLE if link.usual}
BY_NAME = {link.name: link for link in TABLE}
