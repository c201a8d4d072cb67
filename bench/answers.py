#!/usr/bin/env python3
"""How long the answers to GET, REFRESH, STATS and /metrics take with 2, 20 and 200 filters that all
have sessions, as processor time of tcpeek (a noisy machine does not change it much), as time that
the client waits, and as a ratio against GET with 2 filters in the same run; and what 10,000 answers
leave in memory. Usage: answers.py BUILD_FOLDER"""

import contextlib
import http.client
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

FILTERS = (2, 20, 200)
LOOKS = 50
SCRAPES = 5_000  # of STATS and of /metrics
GROWTH_FILTERS = 20


@dataclass(frozen=True)
class Server:
    process: subprocess.Popen
    path: Path
    port: int

    def ask(self, command: str) -> bytes:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.path))
            client.sendall(command.encode() + b"\n")
            pieces = []
            while piece := client.recv(1 << 20):
                pieces.append(piece)
            return b"".join(pieces)

    def scrape(self) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("GET", "/metrics")
            return connection.getresponse().read()
        finally:
            connection.close()

    def processor_milliseconds(self) -> float:
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e6

    def resident_kilobytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(text.split("VmRSS:")[1].split()[0])


@contextlib.contextmanager
def serving(build: Path, capture: Path, filters: int) -> Iterator[Server]:
    """A tcpeek that has read the capture and waits for more."""
    with tempfile.TemporaryDirectory() as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        path = Path(folder) / "socket"
        port = probe.getsockname()[1]
        probe.close()
        # ALL is there already.
        expressions = [f"F{number}:ANY@*:*" for number in range(1, filters)]
        process = subprocess.Popen(
            [build / "tcpeek", "-q", "-r", "-", "-U", path, f"--http={port}", *expressions],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
        process.stdin.write(capture.read_bytes())
        process.stdin.flush()
        while not path.exists():
            time.sleep(0.01)
        time.sleep(0.5)
        yield Server(process, path, port)
        process.stdin.close()
        process.wait(timeout=10)


def milliseconds(server: Server, answer: Callable[[], bytes]) -> tuple[float, float, float, int]:
    """Of processor time, the mean; of waiting, median and longest; and the octets of an answer."""
    times = []
    before = server.processor_milliseconds()
    for _ in range(LOOKS):
        begin = time.perf_counter()
        octets = len(answer())
        times.append((time.perf_counter() - begin) * 1_000)
    processor = (server.processor_milliseconds() - before) / LOOKS
    return processor, statistics.median(times), max(times), octets


def measure_times(build: Path, capture: Path) -> None:
    reference = 0.0
    for filters in FILTERS:
        with serving(build, capture, filters) as server:
            for name, answer in (("GET", lambda: server.ask("GET")),
                                 ("REFRESH", lambda: server.ask("REFRESH")),
                                 ("STATS", lambda: server.ask("STATS")),
                                 ("/metrics", server.scrape)):
                processor, median, longest, octets = milliseconds(server, answer)
                reference = reference or processor
                print(f"{name:<9} {filters:>3} filters  {processor:7.2f} ms of processor time, "
                      f"{processor / reference:.1f} times GET with 2; waited {median:.2f} ms "
                      f"(longest {longest:.2f}) for {octets} octets")


def measure_growth(build: Path, capture: Path) -> None:
    with serving(build, capture, GROWTH_FILTERS) as server:
        for _ in range(SCRAPES // 10):
            server.ask("STATS")
            server.scrape()
        before = server.resident_kilobytes()
        for _ in range(SCRAPES):
            server.ask("STATS")
            server.scrape()
        growth = server.resident_kilobytes() - before
    print(f"{2 * SCRAPES} answers of STATS and /metrics with {GROWTH_FILTERS} filters: "
          f"{growth} kB more resident")


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: answers.py BUILD_FOLDER", file=sys.stderr)
        return 2
    build = Path(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="tcpeek-bench-") as name:
        capture = Path(name) / "connections.pcap"
        subprocess.run([build / "bench_generate", "connections", "2000", capture], check=True)
        measure_times(build, capture)
        measure_growth(build, capture)
    return 0


if __name__ == "__main__":
    sys.exit(main())
