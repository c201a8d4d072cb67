"""Tunnels as steps around an IP packet or an Ethernet frame."""

from __future__ import annotations

import struct

from .checksum import internet_checksum
from .model import Wire
from .network import encode_ip
from .stage import BRIDGED, IPV4, IPV6, Inside, Stage, Step

_MOST = 0xFFFF
_IP_IN_IP = {IPV4: 4, IPV6: 41}
_UDP, _GRE, _L2TP = 17, 47, 115


def ip(family: int) -> Step:
    """An outer header between the tunnel's ends; a packet of more than 64 KB has no length in it."""

    def step(stage: Stage, inside: Inside) -> Stage:
        ends = ("outer1", "outer2") if inside.from_client else ("outer2", "outer1")
        protocol = stage.protocol or _IP_IN_IP[stage.ether_type]
        wire = Wire(ident=0x7777, ttl=64, iplen="0" if len(stage.data) > _MOST - 40 else "")
        data, _ = encode_ip(family, *ends, protocol, stage.data, 0, wire)
        return Stage(data, IPV4 if family == 4 else IPV6)

    return step


def udp(port: int, either: bool = False) -> Step:
    """To `port`; with `either`, the server answers from it. The checksum is left out (RFC 768, RFC 6935)."""

    def step(stage: Stage, inside: Inside) -> Stage:
        answers = either and not inside.from_client
        ports = (port, 40404) if answers else (40404, port)
        length = 8 + len(stage.data)
        return stage.behind(struct.pack("!HHHH", *ports, length if length <= _MOST else 0, 0), protocol=_UDP)

    return step


def gre(checksum: bool = False, key: bool = False, sequence: bool = False, routing: bool = False,
        protocol: int = 0) -> Step:
    """RFC 2784, RFC 2890, and the routing field of RFC 1701."""

    def step(stage: Stage, _inside: Inside) -> Stage:
        flags = checksum << 15 | routing << 14 | key << 13 | sequence << 12
        header = struct.pack("!HH", flags, protocol or stage.ether_type)
        if checksum or routing:
            header += b"\0\0\0\0"
        header += struct.pack("!I", 0xC0FFEE) if key else b""
        header += struct.pack("!I", 77) if sequence else b""
        if routing:  # one source route entry of eight octets, then the entry that ends the list
            header += struct.pack("!HBB", IPV4, 0, 8) + b"\xc6\x33\x64\x05" * 2 + b"\0\0\0\0"
        if checksum:
            header = header[:4] + struct.pack("!H", internet_checksum(header + stage.data)) + header[6:]
        return stage.behind(header, protocol=_GRE)

    return step


def pptp(stage: Stage, _inside: Inside) -> Stage:
    """The enhanced form (RFC 2637 4.1) with sequence and acknowledgment number, around PPP."""
    length = min(len(stage.data), _MOST)
    return stage.behind(struct.pack("!HHHHII", 0x3081, 0x880B, length, 9, 5, 4), protocol=_GRE)


def vxlan(stage: Stage, _inside: Inside) -> Stage:
    return stage.behind(struct.pack("!II", 0x08 << 24, 4242 << 8))


def vxlan_gpe(stage: Stage, _inside: Inside) -> Stage:
    following = {IPV4: 1, IPV6: 2, BRIDGED: 3}[stage.ether_type]
    return stage.behind(struct.pack("!II", 0x0C << 24 | following, 4242 << 8))


def geneve(options: int) -> Step:
    """`options` of eight octets each (RFC 8926 3.5)."""
    option = struct.pack("!HBBI", 0x0102, 0x42, 1, 0xDEADBEEF)
    return lambda stage, _inside: stage.behind(
        struct.pack("!BBHI", options * 2, 0, stage.ether_type, 4242 << 8) + option * options)


def gtp(extensions: int = 0, sequence: bool = False) -> Step:
    """A G-PDU; the extension headers are PDU session containers (3GPP TS 38.415) of four octets."""

    def step(stage: Stage, inside: Inside) -> Stage:
        flags = 0x30 | (4 if extensions else 0) | (2 if sequence else 0)
        optional = b""
        if extensions or sequence:
            optional = struct.pack("!HBB", 321, 0, 0x85 if extensions else 0)
            kind = 0x00 if inside.from_client else 0x10
            for left in range(extensions, 0, -1):
                optional += struct.pack("!BBBB", 1, kind, 9, 0x85 if left > 1 else 0)
        length = min(len(optional) + len(stage.data), _MOST)
        return stage.behind(struct.pack("!BBHI", flags, 255, length, 0x1234) + optional)

    return step


def erspan2(stage: Stage, inside: Inside) -> Stage:
    header = struct.pack("!II", 1 << 28 | 10 << 16 | 3, 5)
    return gre(sequence=True, protocol=0x88BE)(stage.behind(header), inside)


def erspan1(stage: Stage, inside: Inside) -> Stage:
    return gre(protocol=0x88BE)(stage, inside)


def erspan3(platform: bool = False) -> Step:
    def step(stage: Stage, inside: Inside) -> Stage:
        header = struct.pack("!IIHH", 2 << 28 | 10 << 16 | 3, 99, 0, 1 if platform else 0)
        header += struct.pack("!II", 1 << 26, 7) if platform else b""
        return gre(sequence=True, protocol=0x22EB)(stage.behind(header), inside)

    return step


def teredo(indications: bool = False) -> Step:
    """RFC 4380 5.1.1: an authentication and an origin indication may stand before the packet."""
    authentication = struct.pack("!HBB", 1, 4, 2) + b"name" + b"au" + b"\1" * 8 + b"\0"
    origin = struct.pack("!HH", 0, 0x1234) + b"\x3f\x9c\x4d\x2a"
    return lambda stage, _inside: stage.behind(authentication + origin if indications else b"")


def l2tp(cookie: bytes = b"", sublayer: bytes = b"") -> Step:
    return lambda stage, _inside: stage.behind(struct.pack("!I", 0x77) + cookie + sublayer, protocol=_L2TP)
