#!/usr/bin/env python3
"""tcpeek under load, in network namespaces of its own: many connections at full rate, against tcpdump; a SYN flood at
full rate; handshakes during a flood; processor time with a million attempts pending against none; start, end and idle.
Usage: load.py BUILD_FOLDER [PART]...; parts: connections, flood, handshakes, pending, idle. Needs root; nothing
leaves the machine."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Iterator, NamedTuple

from live import Network, ask, cpu_of, run

SERVER, ADDRESSES, NOBODY = "10.78.0.1", 32, "10.79.0.1"
PORT = 8080
MANY, FLOOD = 200_000, 1_000_000
ALL = "ALL:ANY@*:*"


class Stage:
    """A client and a server host on one line; the server has many addresses and hears of others'."""

    def __init__(self, build: Path, stack: ExitStack) -> None:
        self.network, self.build = Network(offload=True), build
        stack.callback(self.network.close)
        client, server = self.network.names
        run("ip", "-n", server, "route", "add", "local", "10.78.0.0/16", "dev", "lo")
        run("ip", "-n", client, "route", "add", "10.78.0.0/16", "via", "10.77.1.2")
        run(*self.network.command(0, "sysctl", "-q", "net.ipv4.ip_local_port_range=1024 65535"))
        self.mac = subprocess.run(self.network.command(1, "cat", "/sys/class/net/veth0/address"), check=True,
                                  capture_output=True, text=True).stdout.strip()
        stack.enter_context(self.started(1, "serve", str(PORT)))
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tcpeek-bench-")))
        time.sleep(0.3)

    @contextmanager
    def started(self, side: int, *arguments: str) -> Iterator[subprocess.Popen]:
        child = subprocess.Popen(self.network.command(side, str(self.build / "bench_traffic"), *arguments),
                                 stdout=subprocess.PIPE, text=True)
        try:
            yield child
        finally:
            child.kill()
            child.wait()

    def traffic(self, *arguments: str) -> float:
        """Sends and returns the seconds that it took."""
        done = subprocess.run(self.network.command(0, str(self.build / "bench_traffic"), *arguments), check=True,
                              capture_output=True, text=True)
        return float(done.stdout.split()[1])

    def connect(self, count: int, rate: int = 0) -> float:
        return self.traffic("connect", str(count), str(rate), SERVER, str(ADDRESSES), str(PORT))

    def flood_arguments(self, count: int, rate: int = 0) -> list[str]:
        return ["flood", str(count), str(rate), "veth0", self.mac, NOBODY, "80"]


class Timed(NamedTuple):
    pid: int
    socket: str
    start_seconds: float


@contextmanager
def tcpeek(stage: Stage, *options: str) -> Iterator[Timed]:
    """On the server; `ip netns exec` becomes the program, so the process is its own."""
    path = str(stage.folder / f"socket-{time.monotonic_ns()}")
    begun = time.monotonic()
    child = subprocess.Popen(stage.network.command(1, str(stage.build / "tcpeek"), "-i", "veth0", "-q", "-U", path,
                                                   *options, ALL), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        while not Path(path).exists() or not answers(path):
            time.sleep(0.002)
        yield Timed(child.pid, path, time.monotonic() - begun)
    finally:
        if child.poll() is None:
            end(child)


def answers(path: str) -> bool:
    try:
        return bool(ask(path))
    except OSError:
        return False


def end(child: subprocess.Popen) -> float:
    begun = time.monotonic()
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=30)
    return time.monotonic() - begun


def settled(path: str) -> dict:
    """The counters when nothing more comes."""
    before: dict = {}
    while True:
        now = ask(path)
        if before and now["capture"]["interfaces"] == before["capture"]["interfaces"]:
            return now
        before = now
        time.sleep(0.5)


def judged(stats: dict, name: str = "ALL") -> int:
    return stats["filters"][name]["sessions"]["success"]["established"]


def dropped(stats: dict) -> int:
    return stats["capture"]["interfaces"]["veth0"]["dropped_by_kernel"]


def connections(stage: Stage) -> None:
    ours, theirs = [], []
    for _ in range(3):
        with tcpeek(stage) as timed:
            begun = cpu_of(timed.pid)
            seconds = stage.connect(MANY)
            stats = settled(timed.socket)
            ours.append(cpu_of(timed.pid) - begun)
        dump = subprocess.Popen(stage.network.command(1, "tcpdump", "-i", "veth0", "-w", "/dev/null", "tcp"),
                                stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        begun = cpu_of(dump.pid)
        stage.connect(MANY)
        time.sleep(0.5)
        theirs.append(cpu_of(dump.pid) - begun)
        dump.send_signal(signal.SIGINT)
        dump.wait()
        print(f"{MANY} connections in {seconds:.1f} s: {judged(stats)} judged successes, {dropped(stats)} packets "
              f"dropped, {stats['kernel_filter']['state']}; processor time {ours[-1]:.2f} s, "
              f"tcpdump {theirs[-1]:.2f} s", flush=True)
    print(f"  processor time, medians: {statistics.median(ours):.2f} s, tcpdump {statistics.median(theirs):.2f} s "
          "(aim: at most that and 0.2 s)")


def flood(stage: Stage) -> None:
    for options in ([], ["-B", "16"]):
        with tcpeek(stage, *options) as timed:
            seconds = stage.traffic(*stage.flood_arguments(FLOOD))
            stats = settled(timed.socket)
            waiting = stats["pending"]["total"]
            print(f"flood of {FLOOD} SYNs in {seconds:.2f} s ({FLOOD / seconds / 1e6:.2f} M/s) {' '.join(options)}: "
                  f"{waiting} pending, {stats['evicted']} evicted, {dropped(stats)} packets dropped; together "
                  f"{waiting + stats['evicted'] + dropped(stats)}; processor time {cpu_of(timed.pid):.2f} s",
                  flush=True)


def handshakes(stage: Stage) -> None:
    seconds, rate = 10, 2_000
    with tcpeek(stage) as timed:
        arguments = stage.flood_arguments(200_000 * (seconds + 1), 200_000)
        with stage.started(0, *arguments):
            time.sleep(0.5)
            took = stage.connect(seconds * rate, rate)
        stats = settled(timed.socket)
    print(f"{rate} handshakes/s for {took:.1f} s during a flood of 200,000 SYNs/s: {judged(stats)} of "
          f"{seconds * rate} judged successes ({100 * judged(stats) / (seconds * rate):.2f} %, aim 99.9), "
          f"{dropped(stats)} packets dropped", flush=True)


def pending(stage: Stage) -> None:
    found: dict[str, list[float]] = {"none": [], "a million": []}
    for _ in range(3):
        for name, costs in found.items():
            with tcpeek(stage, "-t", "300", "-B", "16") as timed:
                if name != "none":
                    stage.traffic(*stage.flood_arguments(FLOOD, 200_000))
                settled(timed.socket)
                begun = cpu_of(timed.pid)
                stage.connect(20_000, 2_000)
                costs.append(cpu_of(timed.pid) - begun)
    few, many = (statistics.median(costs) for costs in found.values())
    print(f"processor time of 2,000 connections/s (6,000 packets/s) for 10 s: {few:.2f} s with none pending, "
          f"{many:.2f} s with a million: {many / few:.2f} times (aim 1.5); all: {found}", flush=True)


def idle(stage: Stage) -> None:
    starts, ends = [], []
    for _ in range(5):
        with ExitStack() as stack:
            timed = stack.enter_context(tcpeek(stage, "-t", "300", "-B", "16"))
            starts.append(timed.start_seconds)
            stage.traffic(*stage.flood_arguments(FLOOD, 400_000))
            settled(timed.socket)
            begun = time.monotonic()
            os.kill(timed.pid, signal.SIGINT)
            while Path(f"/proc/{timed.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
                time.sleep(0.001)
            ends.append(time.monotonic() - begun)
    print(f"start until a client is answered: {1e3 * statistics.median(starts):.0f} ms (most {1e3 * max(starts):.0f}, "
          f"aim 150); end with a million pending: {1e3 * statistics.median(ends):.0f} ms (most "
          f"{1e3 * max(ends):.0f}, aim 100)", flush=True)
    with tcpeek(stage) as timed:
        time.sleep(2)
        before = switches(timed.pid)
        time.sleep(60)
        print(f"idle for a minute: {switches(timed.pid) - before} wakeups of all threads", flush=True)


def switches(pid: int) -> int:
    return sum(int(line.split()[1]) for task in Path(f"/proc/{pid}/task").iterdir()
               for line in (task / "status").read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))


PARTS = {part.__name__: part for part in (connections, flood, handshakes, pending, idle)}


def main() -> int:
    if os.geteuid() != 0:
        print("load.py: network namespaces need root", file=sys.stderr)
        return 1
    if len(sys.argv) < 2 or any(name not in PARTS for name in sys.argv[2:]):
        print(f"usage: load.py BUILD_FOLDER [{'|'.join(PARTS)}]...", file=sys.stderr)
        return 2
    for name in sys.argv[2:] or PARTS:
        with ExitStack() as stack:
            PARTS[name](Stage(Path(sys.argv[1]), stack))
    return 0


if __name__ == "__main__":
    sys.exit(main())
