"""Link-layer headers as steps: Ethernet and what is stacked on it, PPP, IEEE 802.11, netfilter's log."""

from __future__ import annotations

import struct

from .stage import BRIDGED, IPV4, IPV6, MPLS, Inside, Stage, Step

MAC_CLIENT, MAC_SERVER = b"\x02\x00\x00\x00\x00\x0a", b"\x02\x00\x00\x00\x00\x14"
_ACCESS_POINT = b"\x02\x00\x00\x00\x00\x50"
_SNAP = b"\xaa\xaa\x03\0\0\0"


def _addresses(inside: Inside) -> bytes:
    return MAC_SERVER + MAC_CLIENT if inside.from_client else MAC_CLIENT + MAC_SERVER


def ethernet(stage: Stage, inside: Inside) -> Stage:
    return stage.behind(_addresses(inside) + struct.pack("!H", stage.ether_type), ether_type=BRIDGED)


def tag(vlan: int, tpid: int = 0x8100) -> Step:
    """A VLAN tag (IEEE 802.1Q 9.6): what follows it is named behind the identifier."""
    return lambda stage, _inside: stage.behind(struct.pack("!HH", 5 << 13 | vlan, stage.ether_type), ether_type=tpid)


def ethernet_llc(stage: Stage, inside: Inside) -> Stage:
    """IEEE 802.3 with a length, LLC and SNAP (RFC 1042)."""
    body = _SNAP + struct.pack("!H", stage.ether_type)
    length = min(len(body) + len(stage.data), 1500)
    return stage.behind(_addresses(inside) + struct.pack("!H", length) + body)


def service_instance(stage: Stage, _inside: Inside) -> Stage:
    """The I-tag of IEEE 802.1ah around an Ethernet frame."""
    return stage.behind(struct.pack("!I", 0x00ABCDEF), ether_type=0x88E7)


def mpls(*labels: int) -> Step:
    """A label stack (RFC 3032 2.1), outermost label first."""
    entries = b"".join(struct.pack("!I", label << 12 | (position == len(labels) - 1) << 8 | 64)
                       for position, label in enumerate(labels))
    return lambda stage, _inside: stage.behind(entries, ether_type=MPLS)


def control_word(stage: Stage, _inside: Inside) -> Stage:
    """Of an Ethernet pseudo-wire (RFC 4448 4.6)."""
    return stage.behind(struct.pack("!HH", 0, 7))


def pppoe(stage: Stage, _inside: Inside) -> Stage:
    """Around a PPP packet (RFC 2516 4)."""
    length = min(len(stage.data), 0xFFFF)
    return stage.behind(struct.pack("!BBHH", 0x11, 0, 0x1234, length), ether_type=0x8864)


def ppp(stage: Stage, _inside: Inside) -> Stage:
    return stage.behind(struct.pack("!H", {IPV4: 0x0021, IPV6: 0x0057, MPLS: 0x0281}[stage.ether_type]))


def ppp_compressed(stage: Stage, _inside: Inside) -> Stage:
    """The protocol in one octet (RFC 1661 6.5)."""
    return stage.behind(b"\x21" if stage.ether_type == IPV4 else b"\x57")


def prefix(octets: bytes) -> Step:
    return lambda stage, _inside: stage.behind(octets)


def cisco_hdlc(stage: Stage, _inside: Inside) -> Stage:
    return stage.behind(b"\x0f\x00" + struct.pack("!H", stage.ether_type))


def nflog(stage: Stage, inside: Inside) -> Stage:
    """The attributes that Linux writes before the packet: header, prefix (padded), interface, then the payload."""
    order = "<" if inside.little_endian else ">"

    def attribute(kind: int, value: bytes) -> bytes:
        return struct.pack(order + "HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)

    payload = struct.pack(order + "HH", min(4 + len(stage.data), 0xFFFF), 9)
    family = 2 if inside.family == 4 else 10
    return stage.behind(struct.pack("!BBH", family, 0, 5) + attribute(1, struct.pack("!HBB", stage.ether_type, 3, 0))
                        + attribute(10, b"hello\0") + attribute(5, struct.pack("!I", 2)) + payload)


def wifi(qos: bool = False, four_addresses: bool = False, aggregated: bool = False, pad: bool = False) -> Step:
    """A data frame (IEEE 802.11-2020 9.3.2): to the access point from the client, from it to the client."""

    def step(stage: Stage, inside: Inside) -> Stage:
        to_ds, from_ds = inside.from_client or four_addresses, not inside.from_client or four_addresses
        control = 0x0008 | (0x0080 if qos else 0) | (0x0100 if to_ds else 0) | (0x0200 if from_ds else 0)
        target, source = _addresses(inside)[:6], _addresses(inside)[6:]
        if four_addresses:
            addresses = [_ACCESS_POINT, _ACCESS_POINT, target]
        elif to_ds:
            addresses = [_ACCESS_POINT, source, target]
        else:
            addresses = [target, _ACCESS_POINT, source]
        header = struct.pack("<HH", control, 44) + b"".join(addresses) + struct.pack("<H", 9 << 4)
        if four_addresses:
            header += source
        if qos:
            header += struct.pack("<H", 0x0080 if aggregated else 0)
        if pad:
            header += b"\0" * (-len(header) % 4)
        body = _SNAP + struct.pack("!H", stage.ether_type)
        if aggregated:
            header += _addresses(inside) + struct.pack("!H", (len(body) + len(stage.data)) & 0xFFFF)
        return stage.behind(header + body)

    return step


def radiotap(flags: int = 0, words: int = 1) -> Step:
    """TSFT, flags, rate and channel; further words of the bitmap are empty (https://www.radiotap.org)."""
    present = [0x0000000F] + [0] * (words - 1)
    present = [word | (0x80000000 if position < words - 1 else 0) for position, word in enumerate(present)]
    bitmap = b"".join(struct.pack("<I", word) for word in present)
    gap = -(4 + len(bitmap)) % 8
    fields = b"\0" * gap + struct.pack("<QBBHH", 123456789, flags, 12, 2437, 0x00A0)
    length = 4 + len(bitmap) + len(fields)
    return prefix(struct.pack("<BBH", 0, 0, length) + bitmap + fields)
