#!/usr/bin/env python3
"""What watching an interface costs, in network namespaces of its own: the throughput of a bulk TCP transfer over veth
that goes on while monitors come and go, each slice against the slices without one beside it; the kernel filter's time
a packet and the processor time of the monitor meanwhile; and the packets that reach user space a connection.
Usage: live.py BUILD_FOLDER [ROUNDS]. Needs root; nothing leaves the machine."""

from __future__ import annotations

import ctypes
import json
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
START_TIME, SLICE = 0.35, 0.4
RUN_COUNTING = Path("/proc/sys/kernel/bpf_stats_enabled")
CONNECTIONS = 2_000
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


def receive(network: Network) -> None:
    network.enter(1)
    listener = socket.create_server((RECEIVER, PORT))
    while True:
        peer, _ = listener.accept()
        while peer.recv_into(bytearray(1 << 20)):
            pass


def send(network: Network) -> None:
    network.enter(0)
    peer = socket.create_connection((RECEIVER, PORT))
    block = bytes(1 << 20)
    while True:
        peer.sendall(block)


def received_octets(network: Network) -> int:
    text = subprocess.run(network.command(1, "cat", "/sys/class/net/veth0/statistics/rx_bytes"),
                          check=True, capture_output=True, text=True).stdout
    return int(text)


def rate(network: Network) -> float:
    before, begun = received_octets(network), time.monotonic()
    time.sleep(SLICE)
    return (received_octets(network) - before) / (time.monotonic() - begun)


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


def losses(network: Network, monitors: dict[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Per monitor, the part of the throughput that each of its slices lost."""
    lost: dict[str, list[float]] = {name: [] for name in monitors}
    before = rate(network)
    for _ in range(rounds):
        for name in random.sample(list(monitors), len(monitors)):
            with monitors[name]() as monitor:  # type: ignore[attr-defined]
                time.sleep(START_TIME)
                with monitor.counted() if isinstance(monitor, Monitor) else nothing():
                    during = rate(network)
            time.sleep(0.1)
            after = rate(network)
            lost[name].append(100 * (1 - 2 * during / (before + after)))
            before = after
    return lost


def shown(values: list[float]) -> str:
    values = sorted(values)
    cut = len(values) // 10
    kept = values[cut:len(values) - cut]
    error = statistics.stdev(kept) / len(kept) ** 0.5 if len(kept) > 1 else float("nan")
    return f"{statistics.fmean(kept):5.1f} % (median {statistics.median(values):5.1f}, standard error {error:.1f})"


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
            "nothing": nothing,
            "packet socket that drops all": lambda: process(lambda: drop_all(network)),
            "tcpeek --capture=tcx": tcx.watching,
            "tcpeek --capture=socket": sock.watching,
            "tcpdump -w /dev/null tcp": dump.watching,
        }
        with process(lambda: receive(network)):
            time.sleep(0.3)
            with process(lambda: send(network)):
                time.sleep(0.5)
                base = statistics.median(rate(network) for _ in range(5))
                lost = losses(network, monitors, rounds)
        print(f"bulk transfer, {'with' if offload else 'without'} segmentation offload, {base * 8e-9:.1f} Gbit/s;"
              f" throughput lost, {rounds} slices each:")
        for name, values in lost.items():
            print(f"  {name:30} {shown(values)}")
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
        stack.enter_context(process(lambda: receive(network)))
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
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    for engine in ("tcx", "socket"):
        packets_and_time(tcpeek, engine)
    for offload in (False, True):
        bulk(tcpeek, rounds, offload)
    return 0


if __name__ == "__main__":
    sys.exit(main())
