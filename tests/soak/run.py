#!/usr/bin/env python3
"""A long run of the real program amid real connections, floods and rude clients: counts stay exact, nothing grows.

A client and a server in network namespaces. Meanwhile addresses come and go, one client asks REFRESH every second,
others read slowly or not at all. At the end every attempt must be accounted for, and memory and descriptors be what
they were.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "netns"))

import settings
from lab import FAMILIES, Family, Lab
from places import Pair, link
from traffic import RST, Segment, connect, inject, internet_checksum

SKIPPED = 77
TIMEOUT = 2
LIMIT = 1500
FLOOD, FLOOD_EVERY = 2000, 8.0
SILENT_PORT, CLOSED_PORT, FLOOD_PORT = 83, 81, 84
HTTP_PORT = 9477
# What the second half may add, in KiB: pages of the allocator that had not been touched yet.
GROWTH_KIB = 1024
GROWTH_KIB_SANITIZED = 8192


@dataclass
class Done:
    """What was really done; every number is compared."""

    successes: int = 0
    refused: int = 0
    silent: int = 0
    flooded: int = 0
    forged: int = 0
    refreshes: list[list[dict]] = field(default_factory=list)
    rude: int = 0
    flaps: int = 0


class Soak:
    def __init__(self, lab: Lab, pair: Pair, folder: Path, seconds: float) -> None:
        self.lab, self.pair, self.folder = lab, pair, folder
        self.done = Done()
        self.until = time.monotonic() + seconds
        self.faults: list[str] = []
        self.socket_path = folder / "tcpeek.sock"
        # A forged reset must come while its attempt is pending, not after a flood has pushed it out.
        self.calm = threading.Lock()

    def running(self) -> bool:
        return time.monotonic() < self.until and not self.faults

    def loop(self, work: Callable[[], None], pause: float) -> threading.Thread:
        """Does `work` again and again in a thread of its own; its failure ends the run."""

        def run() -> None:
            while self.running():
                try:
                    work()
                except Exception as error:  # told at the end, whatever it is
                    self.faults.append(f"{work.__name__}: {error!r}")
                time.sleep(pause)

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    # --- traffic ------------------------------------------------------------------------------

    def connects(self) -> None:
        """One of each kind; what is open closes in order, after the server has taken it."""
        for family in FAMILIES:
            connection = connect(self.pair.client, self.pair.server.addresses[family], 80, wait=10).must_be_open()
            self.done.successes += 1
            accepted = self.pair.listeners[family].accept()
            connection.socket.setblocking(True)
            connection.socket.sendall(b"hello")
            accepted.recv(16)
            connection.close()
            accepted.close()
        connect(self.pair.client, self.pair.server.addresses[Family.V4], CLOSED_PORT, wait=10).must_fail(111)
        self.done.refused += 1
        with self.calm:
            silent = connect(self.pair.client, self.pair.server.addresses[Family.V4], SILENT_PORT, wait=0.01)
            if self.done.silent % 5 == 0:
                inject(self.pair.client, Segment(silent.flow, RST, random.randrange(1 << 32)))
                self.done.forged += 1
        silent.must_hang()
        self.done.silent += 1

    def floods(self) -> None:
        """SYNs from addresses that are nobody's, each another one, as frames: the server drops them unheard."""
        macs = [bytes.fromhex(link(host, "eth0")["address"].replace(":", ""))
                for host in (self.pair.server, self.pair.client)]
        target = socket.inet_aton(self.pair.server.addresses[Family.V4])
        with self.pair.client.inside():
            out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with out:
            out.bind(("eth0", 0))
            first = self.done.flooded
            for number in range(first, first + FLOOD):
                source = struct.pack("!I", 0x0B000000 + number)
                ip = struct.pack("!BBHHHBBH", 0x45, 0, 40, number & 0xFFFF, 0, 64, 6, 0) + source + target
                ip = ip[:10] + struct.pack("!H", internet_checksum(ip)) + ip[12:]
                tcp = struct.pack("!HHIIBBHHH", 1024, FLOOD_PORT, number, 0, 5 << 4, 2, 1024, 0, 0)
                with self.calm:
                    out.send(b"".join(macs) + b"\x08\x00" + ip + tcp)
                self.done.flooded += 1
                if number % 50 == 0:
                    time.sleep(0.002)

    def flaps(self) -> None:
        self.pair.server.ip("address add 10.0.1.99/24 dev eth0")
        time.sleep(0.2)
        self.pair.server.ip("address del 10.0.1.99/24 dev eth0")
        self.done.flaps += 1

    # --- clients ------------------------------------------------------------------------------

    def ask(self, command: str) -> str:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(20)
            client.connect(str(self.socket_path))
            client.sendall(command.encode() + b"\n")
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()

    def refreshes(self) -> None:
        self.done.refreshes.append(json.loads(self.ask("REFRESH")))

    def rude_clients(self) -> None:
        """One says nothing, one does not read, one goes away at once; the program drops them."""
        clients = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(3)]
        for client, words in zip(clients, (b"", b"STATS\n", b"STAT"), strict=True):
            client.connect(str(self.socket_path))
            client.sendall(words)
        clients.pop().close()
        time.sleep(3.5)
        for client in clients:
            client.close()
        self.done.rude += 3

    def scrape(self) -> str:
        with self.pair.server.inside():
            client = socket.create_connection(("127.0.0.1", HTTP_PORT), 20)
        with client:
            client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            return b"".join(iter(lambda: client.recv(65536), b"")).decode()


class Program:
    """The tcpeek under test, and what it costs, second by second."""

    def __init__(self, soak: Soak, tcpeek: Path) -> None:
        self.records = soak.folder / "records"
        self.errors = soak.folder / "errors"
        command = [str(tcpeek), "-i", "eth0", "-o", "json", "-q", "-t", str(TIMEOUT), "-B", "64", "--icmp",
                   f"--max-sessions={LIMIT}", "-U", str(soak.socket_path), f"--http=127.0.0.1:{HTTP_PORT}"]
        # The quarantine of the address sanitizer is memory that grows by itself.
        environment = {**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=8"}
        with self.records.open("wb") as out, self.errors.open("wb") as err:
            self.process = subprocess.Popen(soak.pair.server.exec(*command), stdout=out, stderr=err, env=environment)
        self.samples: list[tuple[float, int]] = []

    def resident_kib(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1])

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def sample(self) -> None:
        self.samples.append((time.monotonic(), self.resident_kib()))

    def growth_kib(self) -> float:
        """What the straight line through the samples of the second half gains."""
        half = self.samples[len(self.samples) // 2:]
        mean_time = sum(at for at, _ in half) / len(half)
        mean_size = sum(size for _, size in half) / len(half)
        spread = sum((at - mean_time) ** 2 for at, _ in half)
        slope = sum((at - mean_time) * (size - mean_size) for at, size in half) / spread if spread else 0.0
        return slope * (half[-1][0] - half[0][0])


def until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def play(soak: Soak, program: Program) -> tuple[int, int]:
    """Everything at once until the time is over; the descriptors at the start and at the end."""
    if not until(soak.socket_path.exists, 20):
        raise SystemExit(f"tcpeek did not start: {program.errors.read_text()}")
    soak.ask("GET")
    before = program.descriptors()
    threads = [soak.loop(soak.connects, 0.03), soak.loop(soak.floods, FLOOD_EVERY), soak.loop(soak.flaps, 0.3),
               soak.loop(soak.refreshes, 1.0), soak.loop(soak.rude_clients, 0.5), soak.loop(soak.scrape, 2.0),
               soak.loop(program.sample, 1.0)]
    for thread in threads:
        thread.join()
    if not until(lambda: json.loads(soak.ask("STATS"))["pending"]["total"] == 0, TIMEOUT + 20):
        soak.faults.append("attempts are still pending")
    until(lambda: program.descriptors() <= before, 10)
    return before, program.descriptors()


def total_of(refreshes: list[list[dict]], result: str, item: str) -> int:
    return sum(element["RX"][result][item] for refresh in refreshes for element in refresh if "RX" in element)


def compare(soak: Soak, program: Program) -> dict[str, tuple[int, int]]:
    """By what is counted: how often it was seen, and how often it was done."""
    soak.refreshes()
    stats = json.loads(soak.ask("STATS"))
    totals = json.loads(soak.ask("GET"))[0]["RX"]
    rx = stats["filters"]["RX"]
    done, refreshes = soak.done, soak.done.refreshes
    metric = re.search(r'^tcpeek_ignored_packets_total\{reason="rst_unfit"\} (\d+)', soak.scrape(), re.MULTILINE)
    capture = stats["capture"]
    program.process.send_signal(signal.SIGTERM)
    status = program.process.wait(60)
    lines = [json.loads(line) for line in program.records.read_text().splitlines()]
    told = sum("result" in line for line in lines) + stats["undisplayed_records"]
    timeouts = totals["failure"]["timeout"]
    return {
        "exit status": (status, 0),
        "dropped by the kernel": (capture["interfaces"]["eth0"]["dropped_by_kernel"], 0),
        "successes": (totals["success"]["total"], done.successes),
        "rejects": (totals["failure"]["reject"], done.refused),
        "timeouts and evictions": (timeouts + rx["evicted"], done.silent + done.flooded),
        "evicted in all": (stats["evicted"], rx["evicted"]),
        "aborts, unreaches, unjudged": (totals["failure"]["abort"] + totals["failure"]["unreach"]
                                        + totals["other"]["unjudged"], 0),
        "forged resets in STATS": (capture["ignored"]["rst_unfit"], done.forged),
        "forged resets in /metrics": (int(metric[1]) if metric else -1, done.forged),
        "successes by REFRESH": (total_of(refreshes, "success", "total"), done.successes),
        "timeouts by REFRESH": (total_of(refreshes, "failure", "timeout"), timeouts),
        "records": (told, done.successes + done.refused + timeouts),
    }


def tell(soak: Soak, program: Program, descriptors: tuple[int, int], allowed: int) -> int:
    """Prints what was seen; the exit status."""
    figures = compare(soak, program)
    faults = soak.faults + [f"{what}: {seen}, expected {wanted}" for what, (seen, wanted) in figures.items()
                            if seen != wanted]
    growth = program.growth_kib()
    if growth > allowed:
        faults.append(f"memory grew by {growth:.0f} KiB in the second half, at most {allowed} KiB are allowed")
    if descriptors[1] > descriptors[0]:
        faults.append(f"descriptors: {descriptors[0]} at the start, {descriptors[1]} at the end")
    errors = program.errors.read_text()
    if "Sanitizer" in errors or "runtime error" in errors:
        faults.append(errors[-3000:])
    done = soak.done
    print(f"{done.successes} successes, {done.refused} refused, {done.silent} unanswered, {done.flooded} SYNs of a "
          f"flood, {figures['evicted in all'][0]} evicted, {done.forged} forged resets, {done.flaps} addresses "
          f"flapped, {len(done.refreshes)} REFRESH, {done.rude} rude clients; resident "
          f"{program.samples[-1][1]} KiB, {growth:+.0f} KiB over the second half; {descriptors[1]} descriptors")
    for fault in faults:
        print(f"FAIL {fault}")
    if faults:
        print(errors[-2000:])
    return 1 if faults else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--time", type=float, default=600, help="seconds (600)")
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIP: network namespaces need root")
        return SKIPPED
    sanitized = b"__asan_init" in options.tcpeek.read_bytes()
    settings.PROGRAM = str(options.tcpeek.resolve())
    lab = Lab(f"tcpeek-soak-{os.getpid()}")
    with tempfile.TemporaryDirectory(prefix="tcpeek-soak-") as folder:
        program = None
        try:
            pair = Pair(lab)
            for port in (SILENT_PORT, FLOOD_PORT):
                pair.server.rule("input", f"tcp dport {port} drop")
            for listener in pair.listeners.values():
                listener.socket.settimeout(20)
            soak = Soak(lab, pair, Path(folder), options.time)
            program = Program(soak, options.tcpeek.resolve())
            descriptors = play(soak, program)
            return tell(soak, program, descriptors, GROWTH_KIB_SANITIZED if sanitized else GROWTH_KIB)
        finally:
            if program is not None and program.process.poll() is None:
                program.process.kill()
                program.process.wait()
            lab.close()


if __name__ == "__main__":
    sys.exit(main())
