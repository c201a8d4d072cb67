#!/usr/bin/env python3
"""Runs the fuzz targets for a time each, over the kept corpora and what earlier runs found.

New inputs stay in build/fuzz/inputs, what went wrong in build/fuzz/findings. --merge makes of both a small kept corpus
that covers the same.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
KEPT = HERE / "corpus"
# Of each target: enough to reach what there is, and quick to run with every build.
MOST_KEPT = 60
MEMORY_MB = 2048
FIGURES = re.compile(r"stat::number_of_executed_units: +(\d+)")
COVERAGE = re.compile(r"cov: (\d+)")


def targets(build: Path, only: list[str]) -> list[Path]:
    found = sorted(path for path in build.glob("*_fuzz") if os.access(path, os.X_OK))
    chosen = [path for path in found if not only or path.name in only]
    if not chosen:
        raise SystemExit(f"{build} has no fuzz target{' of that name' if only else ''}: cmake --preset fuzz makes them")
    return chosen


def fuzz(target: Path, seconds: int, build: Path) -> bool:
    """Whether nothing was found."""
    inputs, findings = build / "inputs" / target.name, build / "findings" / target.name
    for folder in (inputs, findings):
        folder.mkdir(parents=True, exist_ok=True)
    command = [str(target), f"-max_total_time={seconds}", "-print_final_stats=1", "-timeout=25",
               f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={findings}/", str(inputs), str(KEPT / target.name)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    executions = FIGURES.search(done.stderr)
    coverage = COVERAGE.findall(done.stderr)
    print(f"{target.name}: {seconds} s, {executions[1] if executions else '?'} executions, "
          f"coverage {coverage[-1] if coverage else '?'}, {'nothing found' if done.returncode == 0 else 'FOUND:'}",
          flush=True)
    if done.returncode != 0:
        print(done.stderr[-4000:])
        print(f"the input is in {findings}; run it again: {target} FILE")
    return done.returncode == 0


def merge(target: Path, build: Path) -> None:
    """The smallest of the inputs that together reach everything; of too many, a sample of all sizes."""
    kept, inputs = KEPT / target.name, build / "inputs" / target.name
    inputs.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="tcpeek-fuzz-") as folder:
        subprocess.run([str(target), "-merge=1", folder, str(kept), str(inputs)], capture_output=True, check=True)
        merged = sorted(Path(folder).iterdir(), key=lambda path: (path.stat().st_size, path.name))
        step = max(len(merged) / MOST_KEPT, 1)
        chosen = [merged[int(place * step)] for place in range(min(len(merged), MOST_KEPT))]
        contents = [path.read_bytes() for path in chosen]
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for content in contents:
        (kept / hashlib.sha1(content).hexdigest()[:8]).write_bytes(content)
    print(f"{target.name}: {len(contents)} of {len(merged)} inputs kept")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="the folder of the preset fuzz")
    parser.add_argument("--time", type=int, default=60, help="seconds a target (60)")
    parser.add_argument("--merge", action="store_true", help="make the kept corpora anew instead")
    parser.add_argument("--only", action="append", default=[], help="a target; may be repeated")
    options = parser.parse_args()
    chosen = targets(options.build.resolve(), options.only)
    if options.merge:
        for target in chosen:
            merge(target, options.build.resolve())
        return 0
    results = [fuzz(target, options.time, options.build.resolve()) for target in chosen]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
