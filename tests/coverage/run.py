#!/usr/bin/env python3
"""Which lines and branches of dissect, handshake and filter the tests run. Runs unit tests, scripts, marks, sequences
and the fuzz targets' corpus of a build with the preset `coverage`, and reads gcov's counts. What only a bug could run
does not count: the line of a TCPEEK_UNREACHABLE, and the branches of a TCPEEK_ASSERT. Nor do branches of comparisons
that the compiler writes (`= default`).
Usage: run.py BUILD [--no-run] [--missing]; `--missing` lists what never ran. Exit status: 0 as many as the house asks
for, 1 fewer, 2 usage."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("src/dissect", "src/handshake", "src/filter")
TESTS = "^(unit|scripts\\.expanded|exhaustive|fuzz|marks)"
LEAST_LINES, LEAST_BRANCHES = 95.0, 90.0

Lines = dict[tuple[str, int], int]
Branches = dict[tuple[str, int], list[int]]


def run_tests(build: Path) -> bool:
    for counts in build.rglob("*.gcda"):
        counts.unlink()
    return subprocess.run(["ctest", "--test-dir", str(build), "-R", TESTS, "--output-on-failure"],
                          check=False).returncode == 0


def gcov(build: Path) -> Iterator[dict[str, Any]]:
    """What gcov says of each source file, once for each object that has code of it."""
    for counts in sorted(build.rglob("*.gcda")):
        done = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", str(counts)],
                              cwd=build, capture_output=True, text=True, check=True)
        for line in done.stdout.splitlines():
            yield from json.loads(line)["files"]


def decisions(branches: list[dict[str, Any]]) -> list[int]:
    """Counts of the branches that the source has. A call that may throw is one that gcc adds: it goes with its
    other half, to return."""
    counts: list[int] = []
    at = 0
    while at < len(branches):
        pair = branches[at:at + 2]
        if len(pair) == 2 and pair[0]["throw"] != pair[1]["throw"]:
            at += 2
            continue
        if not branches[at]["throw"]:
            counts.append(branches[at]["count"])
        at += 1
    return counts


def source_lines(name: str, cache: dict[str, list[str]]) -> list[str]:
    if name not in cache:
        cache[name] = (ROOT / name).read_text().split("\n")
    return cache[name]


def collect(build: Path) -> tuple[Lines, Branches]:
    sources: dict[str, list[str]] = {}
    lines: Lines = defaultdict(int)
    by_function: dict[tuple[str, int, str], list[int]] = {}
    for file in gcov(build):
        path = Path(file["file"])
        path = path if path.is_absolute() else (build / path)
        path = Path(os.path.normpath(path))
        if not path.is_relative_to(ROOT):
            continue
        name = str(path.relative_to(ROOT))
        if not name.startswith(FOLDERS):
            continue
        for line in file["lines"]:
            text = source_lines(name, sources)[line["line_number"] - 1]
            if "TCPEEK_UNREACHABLE(" in text:
                continue
            lines[name, line["line_number"]] += line["count"]
            made = "TCPEEK_ASSERT(" in text or "= default;" in text
            counts = [] if made else decisions(line["branches"])
            key = (name, line["line_number"], line.get("function_name", ""))
            before = by_function.get(key)
            if before is not None and len(before) == len(counts):
                counts = [a + b for a, b in zip(before, counts)]
            by_function[key] = counts
    branches: Branches = defaultdict(list)
    for (name, number, _), counts in by_function.items():
        merged = branches[name, number]
        if len(merged) == len(counts):  # the same template, made for another type
            counts = [a + b for a, b in zip(merged, counts)]
            branches[name, number] = counts
        else:
            merged.extend(counts)
    return lines, branches


def share(ran: int, of: int) -> float:
    return 100.0 * ran / of if of else 100.0


def report(lines: Lines, branches: Branches, missing: bool) -> bool:
    enough = True
    for folder in FOLDERS:
        mine = [count for (name, _), count in lines.items() if name.startswith(folder + "/")]
        taken = [count for (name, _), counts in branches.items() if name.startswith(folder + "/") for count in counts]
        of_lines = share(sum(1 for count in mine if count), len(mine))
        of_branches = share(sum(1 for count in taken if count), len(taken))
        print(f"{folder:14} {of_lines:5.1f} % of {len(mine)} lines, {of_branches:5.1f} % of {len(taken)} branches")
        enough = enough and of_lines >= LEAST_LINES and of_branches >= LEAST_BRANCHES
    if missing:
        for (name, number), count in sorted(lines.items()):
            never = [at for at, taken in enumerate(branches.get((name, number), [])) if not taken]
            if not count:
                print(f"{name}:{number}: never runs")
            elif never:
                print(f"{name}:{number}: {len(never)} of {len(branches[name, number])} branches never taken")
    return enough


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", type=Path, help="build folder of the preset coverage")
    parser.add_argument("--no-run", action="store_true", help="only read the counts of tests that ran before")
    parser.add_argument("--missing", action="store_true", help="list what never ran")
    options = parser.parse_args()
    build = options.build.resolve()
    passed = options.no_run or run_tests(build)
    lines, branches = collect(build)
    if not lines:
        print(f"{options.build} holds no counts: build it with the preset coverage", file=sys.stderr)
        return 2
    return 0 if report(lines, branches, options.missing) and passed else 1


if __name__ == "__main__":
    sys.exit(main())
