#!/usr/bin/env python3
"""What watching an interface costs, in network namespaces of its own: the throughput of a bulk TCP transfer over veth
that goes on while monitors come and go, each slice against the slices without one beside it; the kernel filter's time
a packet and the processor time of the monitor meanwhile; and the packets that reach user space a connection.
Usage: live.py BUILD_FOLDER [ROUNDS]. Needs root; nothing leaves the machine."""

from __future__ import annotations

import ctypes
import json
import math
import mmap
import os
import random
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Callable, Iterator

SENDER, RECEIVER = "10.77.1.1", "10.77.1.2"
PORT = 8001
# A program that has just started or ended still costs something, and the kernel gives its memory back.
SETTLE, SLICE = 0.35, 0.25
RUN_COUNTING = Path("/proc/sys/kernel/bpf_stats_enabled")
CONNECTIONS = 2_000
NOTHING = "nothing"
SO_ATTACH_FILTER = 26
RETURN_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


class Network:
    """Two hosts and a line between them, without segmentation offload unless `offload`."""

    def __init__(self, offload: bool) -> None:
        self.names = [f"tcpeek-bench-{os.getpid()}-{side}" for side in "ab"]
        for name in self.names:
            run("ip", "netns", "add", name)
        run("ip", "link", "add", "veth0", "netns", self.names[0], "type", "veth",
            "peer", "name", "veth0", "netns", self.names[1])
        for name, address in zip(self.names, (SENDER, RECEIVER)):
            run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", "veth0")
            run("ip", "-n", name, "link", "set", "veth0", "up")
            run("ip", "-n", name, "link", "set", "lo", "up")
            if not offload:
                run("ip", "netns", "exec", name, "ethtool", "-K", "veth0", "tso", "off", "gso", "off", "gro", "off")

    def close(self) -> None:
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False)

    def enter(self, side: int) -> None:
        with open(f"/run/netns/{self.names[side]}") as namespace:
            if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), 0) != 0:
                raise OSError(ctypes.get_errno(), "setns")

    def command(self, side: int, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.names[side], *command]


@contextmanager
def process(work: Callable[[], None]) -> Iterator[int]:
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    try:
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


class Octets:
    """How many the receiver has taken, for another process to read without a process of its own."""

    def __init__(self) -> None:
        self._cell = memoryview(mmap.mmap(-1, 8)).cast("Q")

    def add(self, count: int) -> None:
        self._cell[0] += count

    @property
    def count(self) -> int:
        return self._cell[0]


def stay_on(processor: int) -> None:
    """Both ends on processors of their own: a slice in which they were moved says nothing."""
    own = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {own[processor % len(own)]})


def receive(network: Network, octets: Octets) -> None:
    network.enter(1)
    stay_on(1)
    listener = socket.create_server((RECEIVER, PORT))
    buffer = bytearray(1 << 20)
    while True:
        peer, _ = listener.accept()
        while count := peer.recv_into(buffer):
            octets.add(count)


def send(network: Network) -> None:
    network.enter(0)
    stay_on(0)
    peer = socket.create_connection((RECEIVER, PORT))
    block = bytes(1 << 20)
    while True:
        peer.sendall(block)


def rate(octets: Octets) -> float:
    before, begun = octets.count, time.monotonic()
    time.sleep(SLICE)
    return (octets.count - before) / (time.monotonic() - begun)


def drop_all(network: Network) -> None:
    network.enter(1)
    watcher = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    program = ctypes.create_string_buffer(RETURN_NOTHING)
    watcher.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))
    watcher.bind(("veth0", 3))
    while True:
        time.sleep(1)


class Monitor:
    """A program at the receiver's interface, and the processor time of its slices."""

    def __init__(self, network: Network, *command: str) -> None:
        self.cpu = 0.0
        self._child: subprocess.Popen | None = None
        self._network, self._command = network, command

    @contextmanager
    def watching(self) -> Iterator[Monitor]:
        child = subprocess.Popen(self._network.command(1, *self._command),
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._child = child
        try:
            yield self
        finally:
            child.send_signal(signal.SIGINT)
            child.wait(timeout=10)

    @contextmanager
    def counted(self) -> Iterator[None]:
        begun = cpu_of(self._child.pid)
        yield
        self.cpu += cpu_of(self._child.pid) - begun


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def losses(octets: Octets, monitors: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Per monitor, by how much the logarithm of the throughput was lower in each of its slices: unlike the ratio's,
    its mean is 0 where only chance is at work."""
    lost: dict[str, list[float]] = {name: [] for name in monitors}
    before = rate(octets)
    for _ in range(rounds):
        for name in random.sample(list(monitors), len(monitors)):
            with monitors[name]() as monitor:  # type: ignore[attr-defined]
                time.sleep(SETTLE)
                with monitor.counted() if isinstance(monitor, Monitor) else nothing():
                    during = rate(octets)
            time.sleep(SETTLE)
            after = rate(octets)
            lost[name].append((math.log(before) + math.log(after)) / 2 - math.log(during))
            before = after
    return lost


class Loss:
    """Mean of `losses` without the tenth that is smallest and the one that is largest, and its standard error, both in
    percent of the throughput."""

    def __init__(self, values: list[float]) -> None:
        cut = len(values) // 10
        kept = sorted(values)[cut:len(values) - cut]
        self.value = 100 * (1 - math.exp(-statistics.fmean(kept)))
        self.error = 100 * statistics.stdev(kept) / len(kept) ** 0.5 if len(kept) > 1 else float("nan")

    def above(self, other: Loss) -> str:
        return f"{self.value - other.value:5.1f} (standard error {(self.error ** 2 + other.error ** 2) ** 0.5:.1f})"

    def __str__(self) -> str:
        return f"{self.value:5.1f} % (standard error {self.error:.1f})"


@contextmanager
def nothing() -> Iterator[None]:
    yield


def bulk(tcpeek: str, rounds: int, offload: bool) -> None:
    network = Network(offload)
    try:
        tcx = Monitor(network, tcpeek, "-i", "veth0", "-q", "-U", "none", "--capture=tcx")
        sock = Monitor(network, tcpeek, "-i", "veth0", "-q", "-U", "none", "--capture=socket")
        dump = Monitor(network, "tcpdump", "-i", "veth0", "-w", "/dev/null", "tcp")
        monitors: dict[str, Callable[[], object]] = {
            NOTHING: nothing,
            "packet socket that drops all": lambda: process(lambda: drop_all(network)),
            "tcpeek --capture=tcx": tcx.watching,
            "tcpeek --capture=socket": sock.watching,
            "tcpdump -w /dev/null tcp": dump.watching,
        }
        octets = Octets()
        with process(lambda: receive(network, octets)):
            time.sleep(0.3)
            with process(lambda: send(network)):
                time.sleep(0.5)
                base = statistics.median(rate(octets) for _ in range(5))
                lost = losses(octets, monitors, rounds)
        print(f"bulk transfer, {'with' if offload else 'without'} segmentation offload, {base * 8e-9:.1f} Gbit/s;"
              f" throughput lost, {rounds} slices each:")
        none = Loss(lost[NOTHING])
        for name, values in lost.items():
            loss = Loss(values)
            print(f"  {name:30} {loss}{'' if name == NOTHING else f', above nothing {loss.above(none)}'}")
        print(f"  processor time in these {rounds * SLICE:.0f} s, without starts: tcx {tcx.cpu:.2f} s, "
              f"socket {sock.cpu:.2f} s, tcpdump {dump.cpu:.2f} s")
    finally:
        network.close()


def connections(network: Network) -> None:
    network.enter(0)
    for _ in range(CONNECTIONS):
        with socket.create_connection((RECEIVER, PORT)) as peer:
            peer.sendall(b"x" * 20_000)


def ask(path: str) -> dict:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"STATS\n")
        return json.loads(b"".join(iter(lambda: client.recv(65536), b"")))


def packets_and_time(tcpeek: str, engine: str) -> None:
    """During connections that carry some data, and then one bulk transfer."""
    network = Network(offload=False)
    counting = RUN_COUNTING.read_text()
    with ExitStack() as stack:
        stack.callback(network.close)
        stack.callback(RUN_COUNTING.write_text, counting)
        RUN_COUNTING.write_text("1")
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tcpeek-bench-"))
        path = f"{folder}/socket"
        stack.enter_context(Monitor(network, tcpeek, "-i", "veth0", "-q", "-U", path,
                                    f"--capture={engine}").watching())
        stack.enter_context(process(lambda: receive(network, Octets())))
        time.sleep(0.5)
        child = os.fork()
        if child == 0:
            connections(network)
            os._exit(0)
        os.waitpid(child, 0)
        time.sleep(0.5)
        first = ask(path)
        with process(lambda: send(network)):
            time.sleep(3)
            second = ask(path)
        packets = first["capture"]["interfaces"]["veth0"]["received"]
        later = second["capture"]["interfaces"]["veth0"]["received"] - packets
        runs = second["kernel_filter"]["runs"] - first["kernel_filter"]["runs"]
        took = second["kernel_filter"]["run_ns"] - first["kernel_filter"]["run_ns"]
        judged = first["filters"]["RX"]["sessions"]["success"]["established"]
        print(f"{engine}: {judged} of {CONNECTIONS} connections judged, {packets / CONNECTIONS:.2f} packets each reached "
              f"user space; of a transfer of {runs} packets, {later}; the filter took {took / max(runs, 1):.0f} ns each")


def main() -> int:
    if os.geteuid() != 0:
        print("live.py: network namespaces need root", file=sys.stderr)
        return 1
    if shutil.which("ethtool") is None or shutil.which("tcpdump") is None:
        print("live.py: ethtool and tcpdump are not installed", file=sys.stderr)
        return 1
    tcpeek = str(Path(sys.argv[1]) / "tcpeek")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    for engine in ("tcx", "socket"):
        packets_and_time(tcpeek, engine)
    for offload in (False, True):
        bulk(tcpeek, rounds, offload)
    return 0


if __name__ == "__main__":
    sys.exit(main())
