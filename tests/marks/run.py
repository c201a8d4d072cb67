#!/usr/bin/env python3
"""Every row and cell of the state, outcome, ignored and malformed tables is tied to a script that uses
it, in marks.txt. Fails for a mark without a line, a line without a mark, a script that does not use its
mark, and a mark that is called impossible and is used. Usage: run.py --marks PROGRAM [--update]
`--update` ties marks without a line to the first script that uses them, as a diff to review."""

from __future__ import annotations

import argparse
import multiprocessing
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "scripts"))

from scriptkit.check import arguments, new_expansion  # noqa: E402
from scriptkit.parser import parse_file  # noqa: E402
from scriptkit.variants import unique  # noqa: E402

SCRIPTS = HERE.parent / "scripts"
TIES = HERE / "marks.txt"
IMPOSSIBLE = "impossible:"


def read_ties() -> dict[str, str]:
    ties: dict[str, str] = {}
    for number, line in enumerate(TIES.read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        mark, _, tie = line.partition(" ")
        if mark in ties or not tie.strip():
            raise SystemExit(f"{TIES.name}:{number}: {mark} stands twice or is tied to nothing")
        ties[mark] = tie.strip()
    return ties


def marks_of(program: str, path: Path) -> tuple[str, set[str]]:
    """All that one script uses, in any of its quick variants."""
    name = str(path.relative_to(SCRIPTS))
    script = parse_file(path, name)
    expansion = new_expansion(script)
    used: set[str] = set()
    with tempfile.TemporaryDirectory(prefix="tcpeek-marks-") as folder:
        capture = Path(folder) / "capture"
        for variant in unique(expansion.variants("quick")):
            capture.write_bytes(expansion.capture(variant))
            done = subprocess.run([program, *arguments(script, variant, str(capture))],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                raise SystemExit(f"{name}: {variant.name}: {done.stderr}")
            used.update(done.stdout.split())
    return name, used


def complaints(every: list[str], ties: dict[str, str], users: dict[str, list[str]]) -> list[str]:
    found = [f"{mark}: has no line in {TIES.name}"
             + (f"; {users[mark][0]} uses it" if mark in users else "; no script uses it")
             for mark in every if mark not in ties]
    found += [f"{mark}: there is no such mark" for mark in ties if mark not in every]
    for mark in (mark for mark in every if mark in ties):
        tie = ties[mark]
        if tie.startswith(IMPOSSIBLE):
            if mark in users:
                found.append(f"{mark}: called impossible, but {users[mark][0]} uses it")
        elif tie not in users.get(mark, []):
            found.append(f"{mark}: {tie} does not use it")
    return found


def update(every: list[str], ties: dict[str, str], users: dict[str, list[str]]) -> None:
    with TIES.open("a") as file:
        for mark in every:
            if mark not in ties and mark in users:
                file.write(f"{mark} {users[mark][0]}\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--marks", required=True, metavar="PROGRAM")
    parser.add_argument("--update", action="store_true")
    options = parser.parse_args()
    every = subprocess.run([options.marks, "--all"], capture_output=True, text=True,
                           check=True).stdout.split()
    users: dict[str, list[str]] = {}
    with multiprocessing.Pool(2) as pool:
        paths = sorted(SCRIPTS.glob("*/*.script"))
        for name, used in pool.imap(partial(marks_of, options.marks), paths):
            for mark in used:
                users.setdefault(mark, []).append(name)
    ties = read_ties()
    if options.update:
        update(every, ties, users)
        ties = read_ties()
    found = complaints(every, ties, users)
    print("\n".join(found))
    print(f"{len(every)} marks, {sum(tie.startswith(IMPOSSIBLE) for tie in ties.values())} of them "
          f"impossible; {len(found)} complaints")
    return 1 if found or not every else 0


if __name__ == "__main__":
    sys.exit(main())
