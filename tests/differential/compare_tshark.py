#!/usr/bin/env python3
"""Compares tcpeek's records of public captures with tshark's own analysis of the same packets
(tcp.completeness, tcp.analysis.retransmission), where the two speak of the same thing: streams with
exactly one session. Differences must be of a class that is explained below. Without the captures or
tshark: a line that says so, and exit status 77."""

import argparse
import json
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

SKIPPED = 77
FIELDS = ("tcp.stream", "ip.src", "ipv6.src", "ip.dst", "ipv6.dst", "tcp.srcport", "tcp.dstport",
          "tcp.flags", "tcp.seq_raw", "tcp.completeness", "tcp.analysis.retransmission", "ip.id",
          "frame.time_epoch")
SYN, RST, ACK = 0x02, 0x04, 0x10
# Bits of tcp.completeness.
SAW_SYN, SAW_SYNACK, SAW_ACK = 1, 2, 4
COPY_SECONDS = 0.002


@dataclass
class Stream:
    """What tshark says of one TCP stream."""
    completeness: int = 0
    syns: list[tuple] = field(default_factory=list)  # (time, source, sequence number, IP identification)
    syn_retransmissions: int = 0


@dataclass
class Tally:
    compared: int = 0
    equal: int = 0
    explained: Counter = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)


def innermost(value: str) -> str:
    """tshark lists the values of all nested headers."""
    return value.split(",")[-1]


def read_streams(capture: Path) -> dict[tuple, Stream]:
    command = ["tshark", "-n", "-2", "-r", str(capture), "-Y", "tcp && !icmp && !icmpv6", "-T", "fields",
               "-o", "tcp.analyze_sequence_numbers:TRUE"]
    for name in FIELDS:
        command += ["-e", name]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    streams: dict[str, Stream] = defaultdict(Stream)
    ends: dict[str, tuple] = {}
    for line in output.splitlines():
        values = dict(zip(FIELDS, line.split("\t")))
        if not values["tcp.flags"] or not values.get("tcp.stream"):
            continue
        number = innermost(values["tcp.stream"])
        stream = streams[number]
        stream.completeness = int(innermost(values["tcp.completeness"] or "0"))
        flags = int(innermost(values["tcp.flags"]), 16)
        source = innermost(values["ip.src"] or values["ipv6.src"])
        target = innermost(values["ip.dst"] or values["ipv6.dst"])
        ports = int(innermost(values["tcp.srcport"])), int(innermost(values["tcp.dstport"]))
        if flags & (SYN | ACK | RST) == SYN:
            stream.syns.append((float(values["frame.time_epoch"]), (source, ports[0]),
                                int(innermost(values["tcp.seq_raw"])), values["ip.id"]))
            stream.syn_retransmissions += bool(values["tcp.analysis.retransmission"])
            ends.setdefault(number, ((source, ports[0]), (target, ports[1])))
    return {ends[number]: stream for number, stream in streams.items() if number in ends}


def has_copies(stream: Stream) -> bool:
    """The same SYN twice within 2 ms is a copy that the capture made."""
    return any(a[1:] == b[1:] and abs(a[0] - b[0]) <= COPY_SECONDS
               for i, a in enumerate(stream.syns) for b in stream.syns[:i])


def disagreements(record: dict, stream: Stream) -> list[str]:
    bits = stream.completeness
    found = []
    if record["cause"] == "established" and bits & 7 != SAW_SYN | SAW_SYNACK | SAW_ACK:
        found.append(f"established, but completeness is {bits}")
    if record["cause"] in ("no_reply", "syn_sent") and bits & SAW_SYNACK:
        found.append(f"{record['cause']}, but completeness is {bits}")
    if record["cause"] in ("no_ack", "syn_received") and not bits & SAW_SYNACK:
        found.append(f"{record['cause']}, but completeness is {bits}")
    if record["dup_syn"] != stream.syn_retransmissions:
        found.append(f"dup_syn {record['dup_syn']}, tshark {stream.syn_retransmissions}")
    return found


def explanation(record: dict, stream: Stream, disagreement: str) -> str | None:
    """Why the two may differ; None when they may not."""
    sources = {syn[1] for syn in stream.syns}
    if disagreement.startswith("dup_syn") and record["result"] in ("reject", "unreach", "abort"):
        return "a retry after a failure belongs to the same session, which has its record already"
    if disagreement.startswith("dup_syn") and has_copies(stream):
        return "tshark counts copies made by the capture as retransmissions"
    if len(sources) > 1 or len({syn[2] for syn in stream.syns}) > 1:
        return "tshark's stream holds several attempts (other ISN or other direction)"
    if disagreement.startswith("established"):
        return "tshark's completeness wants packets in capture order"
    times = [syn[0] for syn in stream.syns]
    if disagreement.startswith("dup_syn") and len(stream.syns) - 1 == record["dup_syn"]:
        return "tshark takes a repeated SYN for out-of-order or spurious" if times else None
    if "syn_sent" in disagreement or "no_reply" in disagreement:
        return "a SYN/ACK that acknowledges something else is none for tcpeek"
    return None


def compare(tcpeek: str, capture: Path) -> Tally:
    tally = Tally()
    done = subprocess.run([tcpeek, "-q", "-o", "json", "--icmp", "-r", str(capture)],
                          capture_output=True, check=False)
    records = defaultdict(list)
    for line in done.stdout.splitlines():
        record = json.loads(line)
        if "result" in record:
            ends = ((record["src"], record["sport"]), (record["dst"], record["dport"]))
            records[ends].append(record)
    if not records:
        return tally
    streams = read_streams(capture)
    for ends, of_ends in records.items():
        stream = streams.get(ends)
        if stream is None or len(of_ends) != 1 or tuple(reversed(ends)) in records:
            continue
        tally.compared += 1
        found = disagreements(of_ends[0], stream)
        tally.equal += not found
        for disagreement in found:
            reason = explanation(of_ends[0], stream, disagreement)
            if reason:
                tally.explained[reason] += 1
            else:
                tally.unexplained.append(f"{capture}: {ends}: {disagreement}")
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--captures", required=True, type=Path)
    arguments = parser.parse_args()
    expected = sorted((arguments.captures / "expected").rglob("*.jsonl"))
    captures = [arguments.captures / str(path.relative_to(arguments.captures / "expected"))[:-6]
                for path in expected if path.stat().st_size > 0]
    if not captures:
        print(f"SKIP: no captures with sessions in {arguments.captures}")
        return SKIPPED
    if shutil.which("tshark") is None:
        print("SKIP: tshark is not installed")
        return SKIPPED
    with ThreadPoolExecutor(max_workers=2) as pool:
        tallies = list(pool.map(lambda path: compare(arguments.tcpeek, path), captures))
    unexplained = [text for tally in tallies for text in tally.unexplained]
    explained = sum((tally.explained for tally in tallies), Counter())
    for text in unexplained:
        print(f"not explained: {text}")
    for reason, count in explained.most_common():
        print(f"{count:5} explained: {reason}")
    compared = sum(tally.compared for tally in tallies)
    equal = sum(tally.equal for tally in tallies)
    print(f"{equal} of {compared} streams agree with tshark "
          f"({100 * equal / max(compared, 1):.2f} %), {len(unexplained)} differ without a reason")
    return 1 if unexplained or not compared else 0


if __name__ == "__main__":
    sys.exit(main())
