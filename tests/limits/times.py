#!/usr/bin/env python3
"""Captures whose times cannot be true: 0, the far future, both, backwards. What was seen is judged all the same."""

from __future__ import annotations

import argparse
import json
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

from flood import ACK, SERVER, SYN, client, frame

NS = 1_000_000_000
NOW = 1_700_000_000 * NS
PCAP_END = 0xFFFFFFFF * NS
# A pcapng file counts with 64 bits; with nanoseconds that is the year 2554.
PCAPNG_END = 2**64 - 1


def handshake(number: int, at: int, step: int = 1000) -> list[tuple[int, bytes]]:
    address, port = client(number)
    return [(at, frame(address, SERVER, port, 80, 1, 0, SYN)),
            (at + step, frame(SERVER, address, 80, port, 9, 2, SYN | ACK)),
            (at + 2 * step, frame(address, SERVER, port, 80, 2, 10, ACK))]


def lonely(number: int, at: int) -> list[tuple[int, bytes]]:
    address, port = client(number)
    return [(at, frame(address, SERVER, port, 80, 1, 0, SYN))]


def pcap(packets: list[tuple[int, bytes]]) -> bytes:
    parts = [struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 1)]
    for at, data in packets:
        parts.append(struct.pack("<IIII", at // NS, at % NS, len(data), len(data)) + data)
    return b"".join(parts)


def block(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, 12 + len(body)) + body + struct.pack("<I", 12 + len(body))


def pcapng(packets: list[tuple[int, bytes]]) -> bytes:
    resolution = struct.pack("<HHBxxxHH", 9, 1, 9, 0, 0)
    parts = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)),
             block(1, struct.pack("<HHI", 1, 0, 0) + resolution)]
    for at, data in packets:
        head = struct.pack("<IIIII", 0, at >> 32, at & 0xFFFFFFFF, len(data), len(data))
        parts.append(block(6, head + data + b"\0" * (-len(data) % 4)))
    return b"".join(parts)


# What happens, the capture, and how many records of each result it must give; the last is the number of steps back.
CASES: list[tuple[str, bytes, dict[str, int], int]] = [
    ("all at 0", pcap(handshake(1, 0, 0) + lonely(2, 0)), {"success": 1, "pending": 1}, 0),
    ("from 0 to now", pcap(lonely(1, 0) + handshake(2, NOW)), {"success": 1, "timeout": 1}, 0),
    ("the last second of pcap", pcap(handshake(1, PCAP_END) + lonely(2, PCAP_END)), {"success": 1, "pending": 1}, 0),
    ("one far in the future",
     pcap(lonely(1, NOW) + handshake(2, PCAP_END) + handshake(3, NOW + NS) + lonely(4, NOW + 2 * NS)),
     {"success": 2, "timeout": 1, "pending": 1}, 1),
    ("the end of all times", pcapng(lonely(1, NOW) + handshake(2, PCAPNG_END, 0) + handshake(3, NOW + NS)),
     {"success": 2, "timeout": 1}, 1),
    ("every connection before the last one",
     pcap([packet for number in range(500) for packet in handshake(number, NOW - number * 10 * NS)]),
     {"success": 500}, 499),
    ("an hour back after each SYN",
     pcap([(at - (number + (place > 0)) * 3600 * NS, data)
           for number in range(100) for place, (at, data) in enumerate(handshake(number, NOW + number * NS))]),
     {"success": 100}, 100),
]


def problem_of(tcpeek: str, capture: Path, wanted: dict[str, int], steps: int) -> str:
    command = [tcpeek, "-q", "--details", "-o", "json", "-r", str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        return f"exit status {done.returncode}: {done.stderr}"
    records = [json.loads(line) for line in done.stdout.splitlines()]
    seen: dict[str, int] = {}
    for record in records:
        seen[record["result"]] = seen.get(record["result"], 0) + 1
        if min(record["elapsed_ns"], record.get("synack_ns", 0), record.get("ack_ns", 0)) < 0:
            return f"a negative time: {record}"
    found = re.search(r"backward_clock_steps +: +(\d+)", done.stderr)
    back = int(found[1]) if found else 0
    return "" if (seen, back) == (wanted, steps) else f"{seen} and {back} steps back, expected {wanted} and {steps}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    options = parser.parse_args()
    problems = 0
    with tempfile.TemporaryDirectory(prefix="tcpeek-times-") as folder:
        for name, content, wanted, steps in CASES:
            capture = Path(folder) / "capture"
            capture.write_bytes(content)
            if problem := problem_of(options.tcpeek, capture, wanted, steps):
                print(f"{name}: {problem}")
                problems += 1
    print(f"{len(CASES)} captures with times that cannot be true, {problems} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
