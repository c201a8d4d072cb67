"""What tshark says of the TCP packets of a capture, gathered per pair of endpoints."""

import subprocess
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

FIELDS = ("frame.number", "frame.time_epoch", "frame.protocols", "ip.src", "ipv6.src", "ip.dst",
          "ipv6.dst", "tcp.srcport", "tcp.dstport", "tcp.flags", "tcp.seq_raw", "tcp.ack_raw",
          "tcp.len", "tcp.urgent_pointer", "ip.id", "tcp.completeness",
          "tcp.analysis.retransmission", "tcp.analysis.initial_rtt")
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
SECOND = 10**9
# More than any real capture holds in wrong order.
STEP_BACK_NS = 60 * SECOND

Endpoint = tuple[str, int]


@dataclass(frozen=True)
class Packet:
    number: int
    time: int  # ns
    protocols: tuple[str, ...]  # down to the innermost TCP
    source: Endpoint
    target: Endpoint
    flags: int
    seq: int
    ack: int
    length: int
    whole_header: bool  # the 20 octets without options
    ip_id: str
    completeness: int
    retransmission: bool
    initial_rtt: int | None  # ns

    @property
    def is_syn(self) -> bool:
        return self.flags & (SYN | ACK | RST | FIN) == SYN

    @property
    def is_synack(self) -> bool:
        return self.flags & (SYN | ACK | RST) == SYN | ACK

    def repeats(self, other: "Packet") -> bool:
        """The same segment again, be it a retransmission or a copy."""
        return (self.source, self.flags, self.seq, self.ack, self.length, self.ip_id) == (
            other.source, other.flags, other.seq, other.ack, other.length, other.ip_id)


class OddTime(Exception):
    """The capture's times are not such that two programs must understand them alike."""


def nanoseconds(text: str) -> int:
    seconds, fraction = text.split(".")
    if text.startswith("-") or len(fraction) > 9 or int(seconds) * SECOND >= 2**63:
        raise OddTime(text)
    return int(seconds) * SECOND + int(fraction.ljust(9, "0"))


def innermost(value: str) -> str:
    """tshark lists the values of all nested headers, outermost first."""
    return value.split(",")[-1]


def innermost_ip(protocols: tuple[str, ...]) -> str:
    return next((name for name in reversed(protocols) if name in ("ip", "ipv6")), "")


def packet_of(values: dict[str, str]) -> Packet | None:
    """None for what only quotes a TCP header, and for headers without sequence numbers."""
    protocols = tuple(values["frame.protocols"].split(":"))
    if not values["tcp.flags"] or not values["tcp.ack_raw"]:
        return None
    if {"icmp", "icmpv6"} & set(protocols[: protocols.index("tcp")]):
        return None
    protocols = protocols[: len(protocols) - protocols[::-1].index("tcp")]
    family = innermost_ip(protocols)
    rtt = values["tcp.analysis.initial_rtt"]
    return Packet(
        number=int(values["frame.number"]), time=nanoseconds(values["frame.time_epoch"]),
        protocols=protocols,
        source=(innermost(values[f"{family}.src"]), int(innermost(values["tcp.srcport"]))),
        target=(innermost(values[f"{family}.dst"]), int(innermost(values["tcp.dstport"]))),
        flags=int(innermost(values["tcp.flags"]), 16),
        seq=int(innermost(values["tcp.seq_raw"])), ack=int(innermost(values["tcp.ack_raw"])),
        length=int(innermost(values["tcp.len"]) or 0),
        whole_header=bool(values["tcp.urgent_pointer"]), ip_id=innermost(values["ip.id"]),
        completeness=int(innermost(values["tcp.completeness"]) or 0),
        retransmission=bool(values["tcp.analysis.retransmission"]),
        initial_rtt=nanoseconds(innermost(rtt)) if rtt else None)


def read_packets(capture: Path) -> list[Packet]:
    """In the order of the capture. Raises OddTime."""
    command = ["tshark", "-n", "-2", "-r", str(capture), "-Y", "tcp", "-T", "fields",
               "-o", "ip.defragment:FALSE", "-o", "ipv6.defragment:FALSE"]
    for name in FIELDS:
        command += ["-e", name]
    output = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                            timeout=120).stdout
    rows = (dict(zip(FIELDS, line.split("\t"))) for line in output.split("\n") if line)
    packets = [packet for packet in map(packet_of, rows) if packet is not None]
    latest = 0
    for packet in packets:
        latest = max(latest, packet.time)
        if packet.time < latest - STEP_BACK_NS:
            raise OddTime(f"packet {packet.number}")
    return packets


def by_pair(packets: list[Packet]) -> dict[frozenset[Endpoint], list[Packet]]:
    pairs = defaultdict(list)
    for packet in packets:
        pairs[frozenset((packet.source, packet.target))].append(packet)
    return pairs
