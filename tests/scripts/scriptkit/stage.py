"""Encapsulations as small steps that are put around an IP packet, from the inside to the outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Callable

IPV4, IPV6, MPLS, BRIDGED = 0x0800, 0x86DD, 0x8847, 0x6558


@dataclass(frozen=True)
class Inside:
    """What an encapsulation may look at."""

    family: int
    ip: bytes
    from_client: bool
    vlans: tuple[int, ...]
    little_endian: bool


@dataclass(frozen=True)
class Stage:
    """The bytes so far, and the numbers by which a layer around them names them: an EtherType (0x6558 for an
    Ethernet frame), or the IP protocol of what stands directly in IP."""

    data: bytes
    ether_type: int = 0
    protocol: int = 0

    def behind(self, header: bytes, **names: int) -> Stage:
        return replace(Stage(header + self.data), **names)


Step = Callable[[Stage, Inside], Stage]


def stack(*steps: Step) -> Callable[[Inside], bytes]:
    """The bytes before the IP packet, of `steps` from the innermost to the outermost."""

    def header(inside: Inside) -> bytes:
        stage = Stage(inside.ip, IPV4 if inside.family == 4 else IPV6)
        for step in steps:
            stage = step(stage, inside)
        return stage.data[: len(stage.data) - len(inside.ip)]

    return header
