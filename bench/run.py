#!/usr/bin/env python3
"""Benchmarks, each a ratio against its reference in the same run. Usage: run.py BUILD_FOLDER

File reading: tcpeek, verdicts and all, against a bare libpcap loop, and against tshark and tcptrace
where they are installed, which read the same file in turn; the figure is processor time (user +
system), since a noisy machine does not change it much. Memory: the largest resident size above
that of a run with few sessions, per session. Growth: the same packets with a million sessions
pending against none, and with 200 filters against 2."""

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

PAIRS = 7
# What makes about 300 MB each.
FILES = {"connections": 222_000, "bulk": 195_000, "flood": 4_300_000}
AIM_RATIO = 1.0
OTHERS = {"tshark": (["tshark", "-q", "-z", "conv,tcp", "-n", "-r"], 50),
          "tcptrace": (["tcptrace"], 5)}
# Their time grows faster than these files: they get a tenth, which flatters them, since the start of
# tcpeek is a good part of what it then takes.
TENTH = {("tshark", "bulk"), ("tcptrace", "flood")}
SESSIONS = 1_000_000
# Fewer than are forgotten again within the file; by the first every page of the hash buckets, which
# all kinds of sessions share, has been touched.
SUCCESSES = (100_000, 600_000)
AIM_PENDING, AIM_SUCCESS = 128, 48
FILTERS = (2, 200)
AIM_GROWTH_PENDING, AIM_GROWTH_FILTERS = 1.5, 1.2


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


def ratios(ours: list[str], theirs: list[str], pairs: int) -> tuple[float, float, list[float]]:
    """Medians of the processor times of both, and the sorted ratios of the pairs."""
    run(ours)
    run(theirs)
    times = [(run(ours).cpu_seconds, run(theirs).cpu_seconds) for _ in range(pairs)]
    return (statistics.median(pair[0] for pair in times), statistics.median(pair[1] for pair in times),
            sorted(pair[0] / pair[1] for pair in times))


def spread(found: list[float]) -> str:
    return f"{statistics.median(found):.2f} ({found[0]:.2f} to {found[-1]:.2f}"


def measure_file(name: str, tcpeek: list[str], reference: list[str]) -> None:
    ours, theirs, found = ratios(tcpeek, reference, PAIRS)
    print(f"file of {name:<12} tcpeek {ours:.3f} s, libpcap loop {theirs:.3f} s, ratio "
          f"{spread(found)}; aim <= {AIM_RATIO})", flush=True)


def measure_others(name: str, tcpeek: list[str], build: Path, folder: Path) -> None:
    for other, (command, aim) in OTHERS.items():
        if shutil.which(other) is None:
            print(f"file of {name:<12} {other} is not installed: not compared")
            continue
        share = 10 if (other, name) in TENTH else 1
        capture = generate(build, folder, name, FILES[name] // share)
        ours = statistics.median(run(tcpeek + ["-r", str(capture)]).cpu_seconds for _ in range(3))
        theirs = run(command + [str(capture)]).cpu_seconds
        print(f"file of {name:<12} {'a tenth: ' if share > 1 else ''}tcpeek {ours:.3f} s, {other} "
              f"{theirs:.2f} s, {theirs / ours:.1f} times faster (aim >= {aim})", flush=True)


def generate(build: Path, folder: Path, kind: str, count: int) -> Path:
    capture = folder / f"{kind}-{count}.pcap"
    if not capture.exists():
        subprocess.run([build / "bench_generate", kind, str(count), capture], check=True)
    return capture


def measure_memory(tcpeek: list[str], build: Path, folder: Path) -> None:
    for what, kind, counts, aim in (("pending", "flood", (1, SESSIONS), AIM_PENDING),
                                    ("remembered success", "connections", SUCCESSES, AIM_SUCCESS)):
        base, peak = (run(tcpeek + ["-r", str(generate(build, folder, kind, count))]).peak_kilobytes
                      for count in counts)
        octets = (peak - base) * 1024 / (counts[1] - counts[0])
        print(f"memory               {what}: {base} kB with {counts[0]}, {peak} kB with {counts[1]}: "
              f"{octets:.0f} octets each (aim <= {aim})", flush=True)


def measure_growth(tcpeek: list[str], build: Path, folder: Path) -> None:
    flood = ["-r", str(generate(build, folder, "flood", SESSIONS))]
    packets = ["-r", str(generate(build, folder, "connections", FILES["connections"]))]
    found = []
    for _ in range(PAIRS):
        alone, only_flood, both = (run(tcpeek + files).cpu_seconds
                                   for files in (packets, flood, flood + packets))
        found.append((both - only_flood) / alone)
    print(f"growth               {SESSIONS} pending against none: {spread(sorted(found))}; aim <= "
          f"{AIM_GROWTH_PENDING})", flush=True)
    few, many = (tcpeek + packets + [f"F{n}:ANY@192.168.{n}.0/24:80" for n in range(count)]
                 for count in FILTERS)
    print(f"growth               {FILTERS[1]} filters against {FILTERS[0]}: "
          f"{spread(ratios(many, few, PAIRS)[2])}; aim <= {AIM_GROWTH_FILTERS})", flush=True)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: run.py BUILD_FOLDER", file=sys.stderr)
        return 2
    build = Path(sys.argv[1])
    tcpeek = [str(build / "tcpeek"), "-q", "-t", "60"]
    with tempfile.TemporaryDirectory(prefix="tcpeek-bench-") as name:
        folder = Path(name)
        for kind, count in FILES.items():
            capture = generate(build, folder, kind, count)
            measure_file(kind, tcpeek + ["-r", str(capture)],
                         [str(build / "bench_libpcap_loop"), str(capture)])
            measure_others(kind, tcpeek, build, folder)
            capture.unlink()
        measure_memory(tcpeek, build, folder)
        measure_growth(tcpeek, build, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
