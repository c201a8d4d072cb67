"""The table of link types and encapsulations: a row has a name, a LINKTYPE number and one small function.

The function gives the bytes that stand before the IP packet. It is handed the packet itself, so that a
tunnel's function can fill in outer lengths and checksums. A new link type is one function and one row.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Callable

_MAC_CLIENT, _MAC_SERVER = b"\x02\x00\x00\x00\x00\x0a", b"\x02\x00\x00\x00\x00\x14"
_ETHERTYPE = {4: 0x0800, 6: 0x86DD}


@dataclass(frozen=True)
class Inside:
    """What an encapsulation may look at."""

    family: int
    ip: bytes
    from_client: bool
    vlans: tuple[int, ...]
    little_endian: bool


@dataclass(frozen=True)
class Link:
    """`vlans` and `tunnel` are what the records of this row name; frames are filled up to `minimum` bytes.
    What is not `usual` is written only for a script that asks for it."""

    name: str
    linktype: int
    header: Callable[[Inside], bytes]
    vlans: tuple[int, ...] = ()
    tunnel: str = ""
    minimum: int = 0
    families: tuple[int, ...] = (4, 6)
    usual: bool = True


def _ethernet(inside: Inside) -> bytes:
    """Ethernet II with as many tags as there are VLANs: the outer of two is a service tag (IEEE 802.1ad)."""
    macs = (_MAC_SERVER, _MAC_CLIENT) if inside.from_client else (_MAC_CLIENT, _MAC_SERVER)
    tags = b""
    for position, vlan in enumerate(inside.vlans):
        service = position < len(inside.vlans) - 1
        tags += struct.pack("!HH", 0x88A8 if service else 0x8100, (3 << 13) | vlan)
    return b"".join(macs) + tags + struct.pack("!H", _ETHERTYPE[inside.family])


def _sll(inside: Inside) -> bytes:
    """LINKTYPE_LINUX_SLL: packet type, ARPHRD_ETHER, address length, address, protocol."""
    kind, mac = (4, _MAC_CLIENT) if inside.from_client else (0, _MAC_SERVER)
    return struct.pack("!HHH6sHH", kind, 1, 6, mac, 0, _ETHERTYPE[inside.family])


def _sll2(inside: Inside) -> bytes:
    """LINKTYPE_LINUX_SLL2: protocol first, then the interface's index."""
    kind, mac = (4, _MAC_CLIENT) if inside.from_client else (0, _MAC_SERVER)
    return struct.pack("!HHIHBB6sH", _ETHERTYPE[inside.family], 0, 2, 1, kind, 6, mac, 0)


def _raw(_inside: Inside) -> bytes:
    return b""


def _null(inside: Inside) -> bytes:
    """BSD loopback: the address family in the byte order of the host that captured (30: AF_INET6 of Darwin)."""
    return struct.pack("<I" if inside.little_endian else ">I", 2 if inside.family == 4 else 30)


def _loop(inside: Inside) -> bytes:
    """OpenBSD loopback: the address family in network order (24: AF_INET6 of OpenBSD)."""
    return struct.pack("!I", 2 if inside.family == 4 else 24)


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
)

USUAL = {link.name for link in TABLE if link.usual}
BY_NAME = {link.name: link for link in TABLE}
