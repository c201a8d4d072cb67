"""A scenario's packet to the bytes from the IP header on, once per family, with how much of it must be seen."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Optional

from .checksum import internet_checksum
from .model import IcmpError, Packet, RawFrame, Segment, Tick, Wire
from .network import encode_ip, pseudo_header
from .transport import TCP, TCP_HEADER, TIMESTAMP_OPTION, UDP, encode_tcp, encode_udp, tcp_header_length

_ICMP = {4: 1, 6: 58}
_ICMP_HEADER = 8
_QUOTED_TCP = 8


@dataclass(frozen=True)
class Encoded:
    """`ip` are the bytes from the IP header on, of which the first `needed` are all that a verdict needs.
    `captured`, when set, says how many of them the capture holds whatever the variant's cut. A `whole` frame has no
    link header before them."""

    time: int
    family: int
    from_client: bool
    ip: bytes
    needed: int
    captured: Optional[int]
    vlan: Optional[tuple[int, ...]]
    iface: Optional[str]
    whole: bool = False


def _ends(segment: Segment) -> tuple[str, str]:
    flow = segment.flow
    return (flow.client, flow.server) if segment.from_client else (flow.server, flow.client)


def _segment(body: Segment, wire: Wire, family: int) -> tuple[bytes, int, int]:
    """Bytes, offset of the TCP header, bytes needed behind that offset."""
    src, dst = _ends(body)
    tcp = encode_tcp(body, pseudo_header(family, src, dst, TCP), wire.sum)
    data, offset = encode_ip(family, src, dst, TCP, tcp, tcp_header_length(body), wire)
    needed = TCP_HEADER + (TIMESTAMP_OPTION if body.tsval is not None else 0)
    return data, offset, needed


def _multi_part(quote: bytes, family: int, padded: bool) -> tuple[bytes, int]:
    """The quote with an MPLS label stack object behind it (RFC 4884 7, RFC 4950 3), and the word of the ICMP header
    that says how long the quote is: in units of four bytes (IPv4) or eight (IPv6)."""
    unit = 4 if family == 4 else 8
    length = max(len(quote), 128 if padded else 0)
    quote = quote.ljust((length + unit - 1) // unit * unit, b"\0")
    label = struct.pack("!HBBI", 8, 1, 1, 0x12345 << 12 | 0x1FF)
    extension = struct.pack("!BBH", 0x20, 0, 0) + label
    extension = struct.pack("!BBH", 0x20, 0, internet_checksum(extension)) + label
    return quote + extension, len(quote) // unit << (16 if family == 4 else 24)


def _icmp(body: IcmpError, wire: Wire, family: int) -> tuple[bytes, int, int]:
    inner_wire = Wire(ident=0x1234, ttl=63, ipopts=body.qopts, ext=body.qext)
    inner, inner_offset, _ = _segment(body.quote, inner_wire, family)
    quote = inner if body.quoted is None else inner[: inner_offset + body.quoted]
    pair = body.v4 if family == 4 else body.v6
    if pair is None:
        raise AssertionError("the parser asks for `only` where a family has no counterpart")
    rest = 1280 if pair == (2, 0) else 0
    if body.parts:
        quote, rest = _multi_part(quote, family, padded=body.parts == "padded")
    message = struct.pack("!BBHI", *pair, 0, rest) + quote
    pseudo = b"" if family == 4 else pseudo_header(6, body.reporter, body.to, 58) + struct.pack("!I", len(message))
    total = internet_checksum(pseudo + message) ^ (0x5555 if wire.sum == "bad-icmp" else 0)
    message = message[:2] + struct.pack("!H", total) + message[4:]
    data, offset = encode_ip(family, body.reporter, body.to, _ICMP[family], message, _ICMP_HEADER, wire)
    tcp_bytes = min(_QUOTED_TCP, len(quote) - inner_offset)
    return data, offset, _ICMP_HEADER + inner_offset + tcp_bytes


def _tick(body: Tick, wire: Wire, family: int) -> tuple[bytes, int, int]:
    src, dst = "tick1", "tick2"
    if body.protocol == "udp":
        payload = encode_udp(5000, 5001, b"tick", pseudo_header(family, src, dst, UDP))
        data, offset = encode_ip(family, src, dst, UDP, payload, 8, wire)
        return data, offset, 8
    tcp = struct.pack("!HHIIHHHH", 5000, 5001, 77, 88, 5 << 12 | 0x10, 500, 0, 0)
    total = internet_checksum(pseudo_header(family, src, dst, TCP) + struct.pack("!I", len(tcp)) + tcp)
    data, offset = encode_ip(family, src, dst, TCP, tcp[:16] + struct.pack("!H", total) + tcp[18:], TCP_HEADER, wire)
    return data, offset, TCP_HEADER


def _from_client(body: object) -> bool:
    if isinstance(body, Segment):
        return body.from_client
    return not isinstance(body, IcmpError)


def encode(packet: Packet, family: int) -> Encoded:
    body, wire = packet.body, packet.wire
    if isinstance(body, RawFrame):
        return Encoded(packet.time, family, True, body.data, len(body.data), None, None, None, whole=True)
    if isinstance(body, Segment):
        data, offset, needed = _segment(body, wire, family)
    elif isinstance(body, IcmpError):
        data, offset, needed = _icmp(body, wire, family)
    else:
        data, offset, needed = _tick(body, wire, family)
    captured = None if wire.captured is None else min(len(data), offset + wire.captured)
    held = len(data) if captured is None else captured
    return Encoded(packet.time, family, _from_client(body), data, min(offset + needed, held), captured,
                   wire.vlan, wire.iface)
