"""TCP and UDP headers in bytes; the checksum covers the pseudo header that the network layer gives."""

from __future__ import annotations

import struct

from .checksum import folded_sum, internet_checksum
from .model import SYN, Segment

TCP_HEADER = 20
TIMESTAMP_OPTION = 12
UDP = 17
TCP = 6


def _options(segment: Segment) -> bytes:
    """Timestamps come first so that a cut behind them keeps them; a SYN also offers what hosts usually offer."""
    options = b""
    if segment.tsval is not None:
        options += struct.pack("!BBBBII", 1, 1, 8, 10, segment.tsval, segment.tsecr or 0)
    if segment.flags & SYN:
        options += struct.pack("!BBH", 2, 4, segment.mss) + b"\1\3\3\7" + b"\1\1\4\2"
    return options


def tcp_header_length(segment: Segment) -> int:
    return TCP_HEADER + len(_options(segment))


def encode_tcp(segment: Segment, pseudo: bytes, sum_mode: str = "") -> bytes:
    """The whole segment. `pseudo` is the pseudo header without its length field, which is added here."""
    options = _options(segment)
    data_offset = segment.doff if segment.doff is not None else (TCP_HEADER + len(options)) // 4
    flow = segment.flow
    ports = (flow.cport, flow.sport) if segment.from_client else (flow.sport, flow.cport)
    offset_and_flags = data_offset << 12 | segment.flags
    payload = bytes(0x41 + i % 26 for i in range(segment.length))
    header = struct.pack("!HHIIHHHH", *ports, segment.seq, segment.ack, offset_and_flags, 64240, 0, 0)
    whole = header + options + payload
    pseudo = pseudo + struct.pack("!I", len(whole))
    total = folded_sum(pseudo) if sum_mode == "offload" else internet_checksum(pseudo + whole)
    if sum_mode == "bad-tcp":
        total ^= 0x5555
    return whole[:16] + struct.pack("!H", total) + whole[18:]


def encode_udp(sport: int, dport: int, payload: bytes, pseudo: bytes) -> bytes:
    header = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0)
    total = internet_checksum(pseudo + struct.pack("!I", 8 + len(payload)) + header + payload)
    return header[:6] + struct.pack("!H", total or 0xFFFF) + payload
