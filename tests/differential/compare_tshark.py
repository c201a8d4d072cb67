#!/usr/bin/env python3
"""Compares tcpeek's records of public captures with tshark's own view of the same packets: every SYN
with a sequence number of its own is an attempt; where a pair of endpoints made exactly one,
tcp.completeness, tcp.analysis.retransmission and tcp.analysis.initial_rtt must agree with the
record. A disagreement passes only if the packets themselves show that it belongs to a class that is
explained in known.md. Without the captures or tshark: a line that says so, and exit status 77."""

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from compare_expected import SKIPPED, nanoseconds_of_stamp
from tshark_streams import ACK, RST, Endpoint, OddTime, Packet, by_pair, read_packets

# Bits of tcp.completeness.
SAW_SYN, SAW_SYNACK, SAW_ACK, SAW_RST = 1, 2, 4, 32
SAW_HANDSHAKE = SAW_SYN | SAW_SYNACK | SAW_ACK
COPY_NS = 2_000_000
# What tcpeek does not look into, as tshark names it. That a session is found in one of these after
# all is a difference, so that the list cannot outlive its reason.
NOT_DISSECTED = {"arcnet", "ipoib"}


@dataclass
class Tally:
    compared: int = 0  # attempts
    equal: int = 0
    latencies: int = 0
    odd_time: int = 0  # captures
    explained: Counter = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


@dataclass
class Attempt:
    """The only attempt of a pair: its record, and what tshark saw of the pair."""
    record: dict
    packets: list[Packet]

    def __post_init__(self) -> None:
        self.client: Endpoint = (self.record["src"], self.record["sport"])
        start = nanoseconds_of_stamp(self.record["start"])
        self.verdict_at = start + self.record["elapsed_ns"]
        syns = [packet for packet in self.packets if packet.is_syn]
        self.isn = syns[0].seq
        self.syn_data = max(syn.length for syn in syns)
        self.completeness = max(packet.completeness for packet in self.packets)

    def until_verdict(self) -> list[Packet]:
        return [packet for packet in self.packets if packet.time <= self.verdict_at]

    def acknowledges_syn(self, packet: Packet) -> bool:
        return (packet.source != self.client and packet.flags & ACK != 0
                and 1 <= (packet.ack - self.isn) % 2**32 <= 1 + self.syn_data)

    def synacks(self) -> list[Packet]:
        """Those that answer this attempt's SYN, in time for it."""
        return [packet for packet in self.until_verdict()
                if packet.is_synack and self.acknowledges_syn(packet)]

    def has_final_ack(self) -> bool:
        return any(packet.source == self.client and packet.flags & (ACK | RST) == ACK
                   and not packet.is_synack and 1 <= (packet.ack - synack.seq) % 2**32 <= 65_536
                   for packet in self.until_verdict() for synack in self.synacks())

    def has_fitting_reset(self) -> bool:
        after_synack = {(synack.seq + 1) % 2**32 for synack in self.synacks()}
        return any(packet.flags & RST and (self.acknowledges_syn(packet)
                                           or packet.seq in after_synack | {(self.isn + 1) % 2**32})
                   for packet in self.until_verdict())

    def repeated(self, synack: bool) -> tuple[int, int]:
        """Retransmissions of the SYN or SYN/ACK as tshark counts them, and how many of these are
        copies made by the capture."""
        of_kind = [packet for packet in self.until_verdict()
                   if (packet.is_synack if synack else packet.is_syn)]
        marked = [packet for packet in of_kind if packet.retransmission]
        copies = [packet for packet in marked
                  if any(packet.repeats(other) and other.number < packet.number
                         and packet.time - other.time <= COPY_NS for other in of_kind)]
        return len(marked), len(copies)

    def lengths_of_syns(self) -> set[int]:
        return {packet.length for packet in self.until_verdict() if packet.is_syn}

    def out_of_order(self) -> bool:
        """A SYN/ACK stands in the capture before the SYN that it acknowledges."""
        first_syn = next(packet.number for packet in self.packets if packet.is_syn)
        return any(synack.number < first_syn for synack in self.synacks())


# Of a disagreement: what it is, and why it is none of tcpeek's (None: nothing explains it).
Disagreement = tuple[str, str | None]


def check_completeness(attempt: Attempt) -> Iterator[Disagreement]:
    cause, bits = attempt.record["cause"], attempt.completeness
    what = f"{cause}, but completeness is {bits}"
    if cause == "established" and bits & SAW_HANDSHAKE != SAW_HANDSHAKE:
        yield what, ("tshark's completeness lacks packets that are there"
                     if attempt.synacks() and attempt.has_final_ack() else None)
    if cause in ("no_reply", "syn_sent", "one_way") and bits & SAW_SYNACK:
        yield what, ("the SYN/ACK acknowledges something else or comes after the verdict"
                     if not attempt.synacks() else None)
    if cause in ("no_ack", "syn_received"):
        if not bits & SAW_SYNACK:
            yield what, None
        elif bits & SAW_ACK:
            yield what, ("the ACK acknowledges something else or comes after the verdict"
                         if not attempt.has_final_ack() else None)
    if cause in ("refused", "reset", "client_reset") and not bits & SAW_RST:
        yield what, None
    if cause in ("no_reply", "no_ack", "syn_sent", "syn_received") and bits & SAW_RST:
        yield what, ("the RST's numbers do not fit or it comes after the verdict"
                     if not attempt.has_fitting_reset() else None)


def check_repetitions(attempt: Attempt) -> Iterator[Disagreement]:
    for key, synack in (("dup_syn", False), ("dup_synack", True)):
        ours = attempt.record[key]
        marked, copies = attempt.repeated(synack)
        if ours == marked:
            continue
        reason = None
        if copies and ours == marked - copies:
            reason = "tshark counts copies made by the capture as retransmissions"
        elif synack and ours == 0 and attempt.out_of_order():
            reason = "tshark takes a SYN/ACK before its SYN for a retransmission"
        elif not synack and marked == 0 and len(attempt.lengths_of_syns()) == ours + 1:
            reason = "tshark wants a repeated SYN to have the same length"
        yield f"{key} {ours}, tshark {marked}", reason


def check_latency(attempt: Attempt) -> Iterator[Disagreement]:
    measured = {packet.initial_rtt for packet in attempt.packets} - {None}
    ours = attempt.record["elapsed_ns"]
    if attempt.record["cause"] != "established" or not measured or measured == {ours}:
        return
    yield f"elapsed {ours} ns, initial_rtt {sorted(measured)}", (
        "tshark uses a segment of whose header 20 octets are not there"
        if any(not packet.whole_header for packet in attempt.packets) else None)


def disagreements(attempt: Attempt) -> Iterator[Disagreement]:
    yield from check_completeness(attempt)
    yield from check_repetitions(attempt)
    yield from check_latency(attempt)


def not_dissected(packet: Packet) -> set[str]:
    return set(packet.protocols) & NOT_DISSECTED


def ip_headers(packet: Packet) -> list[str]:
    return [name for name in packet.protocols if name in ("ip", "ipv6")]


def why_not_found(syn: Packet) -> str | None:
    if not_dissected(syn):
        return f"not dissected: {', '.join(sorted(not_dissected(syn)))}"
    if ip_headers(syn) == ["ip", "ipv6"] and not syn.ip_id:
        return "tshark hands IPv6 behind an IPv4 type on; for tcpeek it is malformed"
    return None


def compare_pair(packets: list[Packet], records: list[dict], tally: Tally) -> Iterator[Disagreement]:
    syns = [packet for packet in packets if packet.is_syn]
    attempts = len({(syn.source, syn.seq) for syn in syns})
    tally.compared += attempts
    if attempts != len(records):
        reason = why_not_found(syns[0]) if syns and not records else None
        yield f"{attempts} attempts, {len(records)} records", reason
        return
    if records and not_dissected(syns[0]):
        yield "found, though it is listed as not dissected", None
    found = []
    if len(records) == 1:
        attempt = Attempt(records[0], packets)
        found = list(disagreements(attempt))
        tally.latencies += (records[0]["cause"] == "established"
                            and any(packet.initial_rtt for packet in packets))
    tally.equal += attempts if not found else 0
    yield from found


def read_records(tcpeek: str, capture: Path) -> dict[frozenset[Endpoint], list[dict]]:
    done = subprocess.run([tcpeek, "-q", "-o", "json", "--icmp", "-r", str(capture)],
                          capture_output=True, check=False, timeout=120)
    pairs: dict[frozenset[Endpoint], list[dict]] = {}
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if "result" in record and not record.get("recovered"):
            ends = frozenset(((record["src"], record["sport"]), (record["dst"], record["dport"])))
            pairs.setdefault(ends, []).append(record)
    return pairs


def compare(tcpeek: str, capture: Path) -> Tally:
    tally = Tally()
    try:
        packets = by_pair(read_packets(capture))
    except OddTime:
        tally.odd_time = 1
        return tally
    records = read_records(tcpeek, capture)
    for pair in sorted(set(packets) | set(records), key=sorted):
        for what, reason in compare_pair(packets.get(pair, []), records.get(pair, []), tally):
            if reason:
                tally.explained[reason] += 1
            else:
                ends = " ".join(f"{address}:{port}" for address, port in sorted(pair))
                tally.unexplained.append(f"{capture}: {ends}: {what}")
    return tally


def report(tallies: list[Tally]) -> int:
    unexplained = [text for tally in tallies for text in tally.unexplained]
    explained = sum((tally.explained for tally in tallies), Counter())
    for text in unexplained:
        print(f"not explained: {text}")
    for reason, count in sorted(explained.items()):
        print(f"{count:5} explained: {reason}")
    compared = sum(tally.compared for tally in tallies)
    equal = sum(tally.equal for tally in tallies)
    print(f"{equal} of {compared} attempts agree with tshark "
          f"({100 * equal / max(compared, 1):.2f} %), "
          f"{sum(tally.latencies for tally in tallies)} of them compared in latency, too; "
          f"{len(unexplained)} differ without a reason; "
          f"{sum(tally.odd_time for tally in tallies)} captures with impossible times left out")
    return 1 if unexplained or not compared else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--captures", required=True, type=Path)
    parser.add_argument("--all", action="store_true",
                        help="also captures in which no session is expected (minutes)")
    arguments = parser.parse_args()
    expected = sorted((arguments.captures / "expected").rglob("*.jsonl"))
    captures = [arguments.captures / str(path.relative_to(arguments.captures / "expected"))[:-6]
                for path in expected if arguments.all or path.stat().st_size > 0]
    if not captures:
        print(f"SKIP: no captures with sessions in {arguments.captures}")
        return SKIPPED
    if shutil.which("tshark") is None:
        print("SKIP: tshark is not installed")
        return SKIPPED
    with ThreadPoolExecutor(max_workers=2) as pool:
        tallies = list(pool.map(lambda path: compare(arguments.tcpeek, path), captures))
    return report(tallies)


if __name__ == "__main__":
    sys.exit(main())
