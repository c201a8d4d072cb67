"""What a parsed script is: flows, packets with every number resolved, and what is expected of the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional, Union

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << bit for bit in range(9))
FLAG_LETTERS = {"F": FIN, "S": SYN, "R": RST, "P": PSH, "A": ACK, "U": URG, "E": ECE, "W": CWR, "N": AE}

NS = 1_000_000_000


class ScriptError(Exception):
    """A mistake in a script; reads `file:line: what`."""

    def __init__(self, path: str, line: int, what: str) -> None:
        super().__init__(f"{path}:{line}: {what}")


@dataclass(frozen=True)
class Flow:
    """One attempt's two ends and its numbers. Several flows may share the ends."""

    name: str
    client: str
    cport: int
    server: str
    sport: int
    isn: int
    server_isn: int


@dataclass(frozen=True)
class Wire:
    """What a line may say about a packet below TCP, and about the taking of it."""

    ident: int = 0
    ttl: int = 64
    ipopts: int = 0
    ext: tuple[str, ...] = ()
    frag: str = ""
    iplen: str = ""
    sum: str = ""
    captured: Optional[int] = None
    iface: Optional[str] = None
    vlan: Optional[tuple[int, ...]] = None


@dataclass(frozen=True)
class Segment:
    flow: Flow
    from_client: bool
    flags: int
    seq: int
    ack: int
    length: int = 0
    tsval: Optional[int] = None
    tsecr: Optional[int] = None
    mss: int = 1460
    doff: Optional[int] = None


@dataclass(frozen=True)
class IcmpError:
    """An ICMP error; the quoted segment is kept as a Segment, cut to `quoted` TCP bytes when written. With `parts`
    an extension follows the quote (RFC 4884), which is padded to 128 bytes (`padded`) or not (`exact`)."""

    flow: Flow
    v4: Optional[tuple[int, int]]
    v6: Optional[tuple[int, int]]
    reporter: str
    to: str
    quote: Segment
    quoted: Optional[int] = None
    qopts: int = 0
    qext: tuple[str, ...] = ()
    parts: str = ""


@dataclass(frozen=True)
class Tick:
    """A packet that has nothing to do with any flow: it only lets time pass."""

    protocol: str


@dataclass(frozen=True)
class RawFrame:
    """The bytes of a whole frame, for what the language has no words for."""

    data: bytes


@dataclass(frozen=True)
class Packet:
    time: int  # ns since the script's zero
    line: int
    body: Union[Segment, IcmpError, Tick, RawFrame]
    wire: Wire


@dataclass(frozen=True)
class Expected:
    """One JSON object that must be printed: a record (kind is its result) or an event (kind is `event`)."""

    line: int
    flow: Flow
    kind: str
    cause: str = ""
    start: int = 0
    elapsed: int = 0
    synack: Optional[int] = None
    ack: Optional[int] = None
    dup_syn: int = 0
    dup_synack: int = 0
    history: str = ""
    icmp: str = ""
    reporter: str = ""
    recovered: bool = False
    last: Optional[int] = None
    at: int = 0
    by: str = ""
    filters: tuple[str, ...] = ("ALL",)
    tunnel: str = ""
    vlan: Optional[tuple[int, ...]] = None
    iface: Optional[str] = None


@dataclass(frozen=True)
class SummaryRow:
    line: int
    block: str
    label: str
    value: str


@dataclass
class Script:
    path: str
    purpose: str
    options: list[str] = field(default_factory=list)
    only: dict[str, set[str]] = field(default_factory=dict)
    packets: list[Packet] = field(default_factory=list)
    expected: list[Expected] = field(default_factory=list)
    summary: list[SummaryRow] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def uses_timestamps(self) -> bool:
        bodies = [p.body for p in self.packets]
        return any(isinstance(b, Segment) and b.tsval is not None for b in bodies)
