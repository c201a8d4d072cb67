#!/usr/bin/env python3
"""Instructions that tcpeek spends on a packet of a capture file, counted by callgrind and so the same
on every run: more than the committed figures by a tenth fails. Usage: run.py --tcpeek FILE
--generate FILE [--update]"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SKIPPED = 77
FIGURES = Path(__file__).with_name("figures.json")
TOLERANCE = 1.10
# Packets of a file are few here, since callgrind is fifty times slower than the processor; start
# and end of the program are taken off by a second file of half the size.
KINDS = {"connections": (2_000, 9), "bulk": (20_000, 1.5), "flood": (20_000, 1)}


def instructions(tcpeek: str, capture: Path, folder: Path) -> int:
    done = subprocess.run(
        ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder / 'callgrind.out'}",
         tcpeek, "-q", "-r", str(capture)], capture_output=True, text=True, check=False)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise SystemExit(f"callgrind of {tcpeek} failed: {done.stderr[-500:]}")
    return int(found[1])


def per_packet(options: argparse.Namespace, kind: str, folder: Path) -> float:
    count, packets_each = KINDS[kind]
    counted = []
    for size in (count, count // 2):
        capture = folder / "capture.pcap"
        subprocess.run([options.generate, kind, str(size), capture], check=True)
        counted.append(instructions(options.tcpeek, capture, folder))
    return (counted[0] - counted[1]) / (count / 2 * packets_each)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--generate", required=True)
    parser.add_argument("--update", action="store_true", help="write the figures anew")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        print("SKIP: valgrind is not installed")
        return SKIPPED
    with tempfile.TemporaryDirectory(prefix="tcpeek-instructions-") as name:
        found = {kind: round(per_packet(options, kind, Path(name))) for kind in KINDS}
    if options.update:
        FIGURES.write_text(json.dumps(found, indent=2) + "\n")
    allowed = json.loads(FIGURES.read_text())
    for kind, count in found.items():
        print(f"{kind}: {count} instructions a packet, {allowed[kind]} committed")
    return 1 if any(count > allowed[kind] * TOLERANCE for kind, count in found.items()) else 0


if __name__ == "__main__":
    sys.exit(main())
