"""Writers of pcap and pcapng. A frame is (time in ns, bytes on the wire, bytes captured, interface name)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Iterable

from .model import NS

_SECTION, _INTERFACE, _ENHANCED = 0x0A0D0D0A, 1, 6
_IF_NAME, _IF_TSRESOL = 2, 9
UNLIMITED = 262144


@dataclass(frozen=True)
class Frame:
    time: int
    data: bytes
    captured: int
    iface: str


def write_pcap(frames: Iterable[Frame], linktype: int, nano: bool, snaplen: int, order: str) -> bytes:
    """`order` is "<" or ">" as in struct."""
    magic = 0xA1B23C4D if nano else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, snaplen, linktype)]
    for frame in frames:
        seconds, rest = divmod(frame.time, NS)
        fraction = rest if nano else rest // 1000
        parts.append(struct.pack(order + "IIII", seconds, fraction, frame.captured, len(frame.data)))
        parts.append(frame.data[: frame.captured])
    return b"".join(parts)


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % 4)


def _block(kind: int, body: bytes, order: str) -> bytes:
    total = 12 + len(body)
    return struct.pack(order + "II", kind, total) + body + struct.pack(order + "I", total)


def _option(code: int, value: bytes, order: str) -> bytes:
    return struct.pack(order + "HH", code, len(value)) + _padded(value)


def _interface_block(name: str, linktype: int, nano: bool, snaplen: int, order: str) -> bytes:
    options = _option(_IF_NAME, name.encode(), order) if name else b""
    options += _option(_IF_TSRESOL, b"\x09", order) if nano else b""  # microseconds are the default
    options += _option(0, b"", order) if options else b""
    return _block(_INTERFACE, struct.pack(order + "HHI", linktype, 0, snaplen) + options, order)


def write_pcapng(frames: list[Frame], linktype: int, nano: bool, snaplen: int, order: str) -> bytes:
    """One section; an interface for each name, in the order in which they appear."""
    names = list(dict.fromkeys(frame.iface for frame in frames))
    parts = [_block(_SECTION, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)]
    parts += [_interface_block(name, linktype, nano, snaplen, order) for name in names]
    for frame in frames:
        units = frame.time if nano else frame.time // 1000
        head = struct.pack(order + "IIIII", names.index(frame.iface), units >> 32, units & 0xFFFFFFFF,
                           frame.captured, len(frame.data))
        parts.append(_block(_ENHANCED, head + _padded(frame.data[: frame.captured]), order))
    return b"".join(parts)
