"""IPv4 and IPv6 packets in bytes: options, extension headers, fragments, lengths that lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from . import addresses
from .checksum import internet_checksum
from .model import Wire

_DONT_FRAGMENT, _MORE_FRAGMENTS = 0x4000, 0x2000
_LATER_OFFSET = 1480
_TRAFFIC_CLASS, _FLOW_LABEL = 0x10, 0x6BEEF
_EXTENSIONS = {"hop": 0, "route": 43, "dst": 60, "ah": 51, "detour": 43, "segments": 43, "mobile": 43, "home": 60}
# Where a packet goes first that has one of these, and where one comes from that is not at home.
_ON_THE_WAY = {"detour", "segments", "mobile"}
_WAYPOINT, _CARE_OF = "outer1", "outer2"
_FRAGMENT_HEADER = 44


@dataclass(frozen=True)
class IpPacket:
    """`data` from the IP header on; the transport header begins at `transport`."""

    family: int
    data: bytes
    transport: int
    from_client: bool = True


def pseudo_header(family: int, src: str, dst: str, protocol: int) -> bytes:
    """RFC 9293 3.1 and RFC 8200 8.1 in one form that sums the same; the length is added by the transport."""
    return addresses.packed(src, family) + addresses.packed(dst, family) + struct.pack("!I", protocol)


def _lied_length(true: int, wire: Wire) -> int:
    if not wire.iplen:
        return true
    return true + int(wire.iplen) if wire.iplen[0] in "+-" else int(wire.iplen)


def _fragment_payload(payload: bytes, header_length: int, wire: Wire) -> bytes:
    """A first fragment holds the header in a multiple of eight bytes; a tiny one holds eight bytes."""
    if wire.frag == "first":
        return payload[: (header_length + 7) // 8 * 8]
    return payload[:8] if wire.frag == "tiny" else payload


def _ipv4(src: str, dst: str, protocol: int, payload: bytes, wire: Wire) -> tuple[bytes, int]:
    options = b""
    if wire.ipopts:
        options = b"\x94\x04\0\0" + b"\1" * (wire.ipopts - 4)  # router alert (RFC 2113), then no-operation
    length = 20 + len(options)
    fragment = {"": _DONT_FRAGMENT, "first": _MORE_FRAGMENTS, "tiny": _MORE_FRAGMENTS,
                "later": _LATER_OFFSET // 8}[wire.frag]
    total = _lied_length(length + len(payload), wire)
    header = struct.pack("!BBHHHBBH", 0x40 | length // 4, _TRAFFIC_CLASS, total, wire.ident & 0xFFFF, fragment,
                         wire.ttl, protocol, 0)
    header += addresses.packed(src, 4) + addresses.packed(dst, 4) + options
    total_sum = internet_checksum(header) ^ (0x5555 if wire.sum == "bad-ip" else 0)
    return header[:10] + struct.pack("!H", total_sum) + header[12:] + payload, length


def _extension(name: str, following: int, src: str, dst: str) -> bytes:
    if name == "detour":  # type 0 (RFC 2460 4.4)
        return struct.pack("!BBBBI", following, 2, 0, 1, 0) + addresses.packed(dst, 6)
    if name == "mobile":  # type 2 (RFC 6275 6.4)
        return struct.pack("!BBBBI", following, 2, 2, 1, 0) + addresses.packed(dst, 6)
    if name == "segments":  # RFC 8754 2: the list is written backwards
        return struct.pack("!BBBBBBH", following, 4, 4, 1, 1, 0, 0) + addresses.packed(dst, 6) \
            + addresses.packed(_WAYPOINT, 6)
    if name == "home":  # RFC 6275 6.3, padded as it asks for
        return struct.pack("!BBBBHBB", following, 2, 1, 2, 0, 0xC9, 16) + addresses.packed(src, 6)
    if name == "route":  # type 0 would be deprecated; type 2 with nothing left (RFC 6275) is skipped by all
        return struct.pack("!BBBBI", following, 2, 2, 0, 0) + b"\x20\x01\x0d\xb8" + b"\0" * 12
    if name == "ah":  # RFC 4302: length counts 4-byte units minus two
        return struct.pack("!BBHII", following, 4, 0, 0x100, 1) + b"\0" * 12
    return struct.pack("!BBBB", following, 0, 1, 4) + b"\0" * 4  # PadN (RFC 8200 4.2)


def _ipv6(src: str, dst: str, protocol: int, payload: bytes, wire: Wire) -> tuple[bytes, int]:
    chain, following = b"", protocol
    if wire.frag:
        offset = _LATER_OFFSET if wire.frag == "later" else 0
        more = wire.frag in ("first", "tiny")
        chain = struct.pack("!BBHI", following, 0, offset | more, wire.ident)
        following = _FRAGMENT_HEADER
    for name in reversed([name for name in wire.ext if name != "jumbo"]):
        chain = _extension(name, following, src, dst) + chain
        following = _EXTENSIONS[name]
    if "jumbo" in wire.ext:  # RFC 2675 2: the length stands in a hop-by-hop option, which counts itself
        chain = struct.pack("!BBBBI", following, 0, 0xC2, 4, 8 + len(chain) + len(payload)) + chain
        following = _EXTENSIONS["hop"]
    length = 0 if "jumbo" in wire.ext else _lied_length(len(chain) + len(payload), wire)
    header = struct.pack("!IHBB", 6 << 28 | _TRAFFIC_CLASS << 20 | _FLOW_LABEL, length, following, wire.ttl)
    seen_src = _CARE_OF if "home" in wire.ext else src
    seen_dst = _WAYPOINT if _ON_THE_WAY & set(wire.ext) else dst
    header += addresses.packed(seen_src, 6) + addresses.packed(seen_dst, 6)
    return header + chain + payload, 40 + len(chain)


def encode_ip(family: int, src: str, dst: str, protocol: int, payload: bytes, header_length: int,
              wire: Wire) -> tuple[bytes, int]:
    """The packet and where its transport header begins. `header_length` is the transport header's own."""
    build = _ipv4 if family == 4 else _ipv6
    return build(src, dst, protocol, _fragment_payload(payload, header_length, wire), wire)
