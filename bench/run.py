#!/usr/bin/env python3
"""Benchmarks, each a ratio against its reference in the same run. Usage: run.py BUILD_FOLDER

File reading: tcpeek, verdicts and all, and a bare libpcap loop read the same file in turn; the
figure is processor time (user + system), since a noisy machine does not change it much. Memory:
the growth of the largest resident size between two floods, per pending session."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAIRS = 7
# Packets that make about 100 MB each.
FILES = {"connections": 85_000, "bulk": 65_000, "flood": 1_000_000}
AIM_RATIO = 1.5
FLOODS = (100_000, 1_000_000)
AIM_OCTETS = 160


@dataclass
class Cost:
    cpu_seconds: float
    peak_kilobytes: int


def run(command: list[str]) -> Cost:
    """The cost of one run, from the operating system's own accounting."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        process = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        text = f"{usage.ru_utime + usage.ru_stime} {usage.ru_maxrss} {process.returncode}"
        os.write(write_end, text.encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        cpu, peak, status = pipe.read().split()
    os.waitpid(child, 0)
    if int(status) != 0:
        raise SystemExit(f"{command[0]} ended with status {status}")
    return Cost(float(cpu), int(peak))


def compare(name: str, tcpeek: list[str], reference: list[str]) -> None:
    run(tcpeek)
    run(reference)
    pairs = [(run(tcpeek).cpu_seconds, run(reference).cpu_seconds) for _ in range(PAIRS)]
    ratios = sorted(ours / theirs for ours, theirs in pairs)
    ours = statistics.median(pair[0] for pair in pairs)
    theirs = statistics.median(pair[1] for pair in pairs)
    print(
        f"file of {name:<12} tcpeek {ours:.3f} s, libpcap loop {theirs:.3f} s, ratio "
        f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}; aim <= {AIM_RATIO})"
    )


def measure_memory(tcpeek: list[str], build: Path, folder: Path) -> None:
    peaks = []
    for count in FLOODS:
        capture = folder / f"flood-{count}.pcap"
        subprocess.run([build / "bench_generate", "flood", str(count), capture], check=True)
        peaks.append(run(tcpeek + ["--max-sessions", "2000000", "-r", str(capture)]).peak_kilobytes)
        capture.unlink()
    octets = (peaks[1] - peaks[0]) * 1024 / (FLOODS[1] - FLOODS[0])
    print(
        f"pending sessions     {peaks[0]} kB with {FLOODS[0]}, {peaks[1]} kB with {FLOODS[1]}: "
        f"{octets:.0f} octets each (aim <= {AIM_OCTETS})"
    )


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: run.py BUILD_FOLDER", file=sys.stderr)
        return 2
    build = Path(sys.argv[1])
    tcpeek = [str(build / "tcpeek"), "-q", "-t", "60"]
    with tempfile.TemporaryDirectory(prefix="tcpeek-bench-") as name:
        folder = Path(name)
        for kind, count in FILES.items():
            capture = folder / f"{kind}.pcap"
            subprocess.run([build / "bench_generate", kind, str(count), capture], check=True)
            compare(kind, tcpeek + ["-r", str(capture)],
                    [str(build / "bench_libpcap_loop"), str(capture)])
            capture.unlink()
        measure_memory(tcpeek, build, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
