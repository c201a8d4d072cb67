"""The servers while a capture file or a pipe is read: answers while the reader of standard output
takes nothing, and latencies that are known."""

from __future__ import annotations

import math
import os
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from kit import Server, answered_quickly, serving_a_pipe, wait_for

PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101)  # ns, raw IP
START = 1_600_000_000_000_000_000
SYN, SYNACK, ACK = 0x02, 0x12, 0x10
BOUNDS_MS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 4_000, 8_000,
             16_000, 32_000, 64_000)


def packet(ns: int, from_client: bool, port: int, flags: int, seq: int, ack: int) -> bytes:
    ends = [(socket.inet_aton("192.0.2.1"), port), (socket.inet_aton("198.51.100.2"), 80)]
    (source, source_port), (target, target_port) = ends if from_client else reversed(ends)
    tcp = struct.pack(">HHIIBBHHH", source_port, target_port, seq, ack, 0x50, flags, 65535, 0, 0)
    ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 40, 0, 0, 64, 6, 0, source, target) + tcp
    return struct.pack("<IIII", ns // 10**9, ns % 10**9, len(ip), len(ip)) + ip


def handshakes(delays: list[tuple[int, int]]) -> bytes:
    """One after the other; of each, how long the SYN/ACK takes, and then the ACK, in ns."""
    packets = []
    now = START
    for number, (synack, ack) in enumerate(delays):
        port = 1_024 + number % 60_000
        packets.append(packet(now, True, port, SYN, 100, 0))
        packets.append(packet(now + synack, False, port, SYNACK, 900, 101))
        packets.append(packet(now + synack + ack, True, port, ACK, 101, 901))
        now += synack + ack + 1_000
    return b"".join(packets)


def feed(server: Server, packets: bytes) -> None:
    server.process.stdin.write(packets)
    server.process.stdin.flush()


def rank(values: list[int], share: float) -> int:
    return sorted(values)[math.ceil(share * len(values)) - 1]


def total(server: Server) -> int:
    return server.json()[0]["ALL"]["success"]["total"]


def check_latency(told: dict, values: list[int]) -> None:
    assert told["count"] == len(values) and told["sum_ns"] == sum(values), told
    assert told["max_ns"] == max(values), told
    for share, key in ((0.5, "p50_ns"), (0.9, "p90_ns"), (0.99, "p99_ns")):
        wanted = rank(values, share)
        assert abs(told[key] - wanted) <= 0.02 * wanted, (key, told[key], wanted)
    assert len(told["buckets"]) == len(BOUNDS_MS) + 1
    lower = -1
    for bucket, bound in zip(told["buckets"], (*BOUNDS_MS, math.inf)):
        upper = bound * 1e6
        assert bucket["le_ns"] == (None if upper == math.inf else round(upper)), bucket
        assert bucket["count"] == sum(lower < value <= upper for value in values), bucket
        lower = upper


def check_metrics(text: str, part: str, values: list[int]) -> None:
    """Cumulative, with the bound itself inside."""
    for bound in BOUNDS_MS:
        line = (f'tcpeek_handshake_duration_seconds_bucket{{filter="ALL",part="{part}",'
                f'le="{bound / 1_000:g}"}} ')
        assert line + f"{sum(value <= bound * 1e6 for value in values)}\n" in text, line
    name = f'tcpeek_handshake_duration_seconds_count{{filter="ALL",part="{part}"}}'
    assert f"{name} {len(values)}\n" in text, name


def test_known_latencies(tcpeek: str, folder: Path) -> None:
    delays = [(round(bound * 1e6) + extra, 40_000 + 1_000 * number)
              for number, bound in enumerate(BOUNDS_MS) for extra in (-1, 0, 1)]
    delays += [(number * 10_000, 333) for number in range(1, 1_001)]
    with serving_a_pipe(tcpeek, folder / "s", "-q", "-t", "600") as server:
        feed(server, PCAP_HEADER + handshakes(delays))
        wait_for(lambda: total(server) == len(delays), "all of them")
        latency = server.json("STATS\n")["filters"]["ALL"]["latency"]
        metrics = server.http("GET", "/metrics")[2].decode()
    parts = {"elapsed": [synack + ack for synack, ack in delays],
             "synack": [synack for synack, _ in delays], "ack": [ack for _, ack in delays]}
    for part, values in parts.items():
        check_latency(latency[part], values)
        check_metrics(metrics, "total" if part == "elapsed" else part, values)


def test_blocked_reader(tcpeek: str, folder: Path) -> None:
    """Reading stands still, since nobody takes the records; who asks is answered all the same, also
    when all is read and only the records are left to be taken."""
    count = 60_000
    capture = folder / "capture.pcap"
    capture.write_bytes(PCAP_HEADER + handshakes([(1_000, 1_000)] * count))
    with serving_a_pipe(tcpeek, folder / "s", "-o", "json", source=str(capture),
                        stdout=subprocess.PIPE) as server:
        wait_for(lambda: total(server) > 16_000, "the queue is full")
        time.sleep(0.3)
        answered_quickly(server)
        assert total(server) < count, "nothing is waited for"
        server.process.send_signal(signal.SIGUSR1)
        answered_quickly(server)
        lines = 0
        while total(server) < count:
            lines += os.read(server.process.stdout.fileno(), 65_536).count(b"\n")
        time.sleep(0.3)
        assert lines < count
        answered_quickly(server)
        server.process.stdout.close()
