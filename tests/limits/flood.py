#!/usr/bin/env python3
"""A flood in a capture file: memory stays within the documented formula, and real sessions are still judged."""

from __future__ import annotations

import argparse
import json
import os
import re
import struct
import sys
import tempfile
from pathlib import Path
from typing import BinaryIO, Iterator

LIMIT = 20_000
FAILURES, SUCCESSES, FLOOD = 60_000, 60_000, 1_000_000
REAL_EVERY = 1_000
SYN, RST, ACK = 0x02, 0x04, 0x10
SERVER = b"\xc6\x33\x64\x14"
# Records that wait for display, as the page says.
QUEUE_KIB = 8 * 1024

# docs/semantics.md: octets of an attempt, and of what the odd ones need besides.
FORMULA = re.compile(r"3 x N x \((\d+) \+ (\d+)\) \+ (\d+) x B")


def frame(source: bytes, target: bytes, sport: int, dport: int, seq: int, ack: int, flags: int) -> bytes:
    """Ethernet with a VLAN tag, so that each attempt needs the part that only odd ones have."""
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, sport, 0, 64, 6, 0) + source + target
    tcp = struct.pack("!HHIIHHHH", sport, dport, seq, ack, 5 << 12 | flags, 1024, 0, 0)
    return b"\2" * 12 + struct.pack("!HHH", 0x8100, 7, 0x0800) + ip + tcp


def client(number: int) -> tuple[bytes, int]:
    """Address and port of the attempt with this number; no two have the same."""
    return struct.pack("!I", 0x0A000000 + number // 1_000), 1_024 + number % 1_000


def packets() -> Iterator[bytes]:
    for number in range(FAILURES):
        address, port = client(number)
        yield frame(address, SERVER, port, 80, 1, 0, SYN)
        yield frame(SERVER, address, 80, port, 0, 2, RST | ACK)
    for number in range(FAILURES, FAILURES + SUCCESSES):
        yield from real(number)
    for number in range(FLOOD):
        address, port = client(FAILURES + SUCCESSES + number)
        yield frame(address, SERVER, port, 80, 1, 0, SYN)
        if number % REAL_EVERY == 0:
            yield from real(FAILURES + SUCCESSES + FLOOD + number)


def real(number: int) -> Iterator[bytes]:
    address, port = client(number)
    yield frame(address, SERVER, port, 80, 1, 0, SYN)
    yield frame(SERVER, address, 80, port, 9, 2, SYN | ACK)
    yield frame(address, SERVER, port, 80, 2, 10, ACK)


def write(file: BinaryIO, frames: Iterator[bytes]) -> None:
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    for number, data in enumerate(frames):
        microseconds = number * 10
        seconds = 1_700_000_000 + microseconds // 1_000_000
        file.write(struct.pack("<IIII", seconds, microseconds % 1_000_000, len(data), len(data)) + data)
    file.flush()


def run(tcpeek: str, capture: Path, out: Path) -> int:
    """The most memory that the run had at a time, in KiB."""
    command = [tcpeek, "-q", "-o", "json", "-r", str(capture), f"--max-sessions={LIMIT}"]
    pid = os.fork()
    if pid == 0:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        os.execv(tcpeek, command)
    _, status, usage = os.wait4(pid, 0)
    if status != 0:
        raise SystemExit(f"{' '.join(command)}: status {status}: {out.read_text()[-500:]}")
    return usage.ru_maxrss


def documented(page: Path) -> int:
    found = FORMULA.search(page.read_text())
    if not found:
        raise SystemExit(f"{page} has no formula of the form {FORMULA.pattern}")
    attempt, details, bucket = map(int, found.groups())
    buckets = 1 << (LIMIT - 1).bit_length()
    return 3 * LIMIT * (attempt + details) + bucket * buckets


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--page", type=Path, default=Path(__file__).parents[2] / "docs" / "semantics.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcpeek-flood-") as folder:
        capture, out = Path(folder) / "flood.pcap", Path(folder) / "out"
        with capture.open("wb") as file:
            write(file, real(1))
        base = run(options.tcpeek, capture, out)
        with capture.open("wb") as file:
            write(file, packets())
        grown = run(options.tcpeek, capture, out) - base
        text = out.read_text()
    records = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    successes = sum(record["result"] == "success" for record in records)
    evicted = int(re.search(r"Sessions evicted +: +(\d+)", text)[1])
    pending = int(re.search(r"Sessions pending +: +(\d+)", text)[1])
    wanted = SUCCESSES + FLOOD // REAL_EVERY
    limit = documented(options.page) // 1024 + QUEUE_KIB
    print(f"{FAILURES + SUCCESSES + FLOOD} attempts with a limit of {LIMIT}: {grown} KiB more than none, "
          f"documented {limit} KiB; {successes} successes of {wanted}, {pending} pending, {evicted} evicted")
    return 0 if grown <= limit and successes == wanted and pending == LIMIT and evicted == FLOOD - LIMIT else 1


if __name__ == "__main__":
    sys.exit(main())
