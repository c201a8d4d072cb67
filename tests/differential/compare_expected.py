#!/usr/bin/env python3
"""Compares tcpeek's records of public captures with the expected ones beside them, as the captures'
README says. Every difference must stand in known.md with its reason, and every row there must still
occur. Without the captures: a line that says so, and exit status 77."""

import argparse
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = 77
COMPARED = ("result", "cause", "dup_syn", "dup_synack")
# Rarer forms that are to be found all the same, and that libpcap cannot read the file.
FOUND_THOUGH_RARE = {"chdlc", "lt:104", "teredo", "udp", "libpcap"}
# Files of which the expected records only ask that they are survived.
ONLY_SURVIVE = {"bad_time", "clock_back"}
START_TOLERANCE_NS = 1_000


@dataclass
class FileResult:
    capture: str
    sessions: int = 0
    equal: int = 0
    differences: list[str] = field(default_factory=list)


def nanoseconds_of_stamp(stamp: str) -> int:
    seconds, fraction = stamp.rstrip("Z").split(".")
    return int(datetime.fromisoformat(seconds + "+00:00").timestamp()) * 10**9 + int(fraction)


def identity(session: dict) -> tuple:
    return tuple(session[key] for key in ("src", "sport", "dst", "dport")) + (
        bool(session.get("recovered")),)


def name_of(session: dict) -> str:
    recovered = " recovered" if session.get("recovered") else ""
    return f"{session['src']}:{session['sport']} {session['dst']}:{session['dport']}{recovered}"


def matches(ours: dict, theirs: dict) -> bool:
    apart = abs(nanoseconds_of_stamp(ours["start"]) - nanoseconds_of_stamp(theirs["start"]))
    return identity(ours) == identity(theirs) and apart <= START_TOLERANCE_NS


def must_be_found(session: dict) -> bool:
    return not set(session.get("optional", [])) - FOUND_THOUGH_RARE


def run_tcpeek(tcpeek: str, capture: Path) -> tuple[int, list[dict]]:
    done = subprocess.run(
        [tcpeek, "-q", "-o", "json", "-t", "60", "--icmp", "-r", str(capture)],
        capture_output=True, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [record for record in records if "result" in record]


def compare(tcpeek: str, captures: Path, expected_file: Path) -> FileResult:
    relative = str(expected_file.relative_to(captures / "expected"))[: -len(".jsonl")]
    result = FileResult(relative)
    status, ours = run_tcpeek(tcpeek, captures / relative)
    if status not in (0, 1):
        result.differences.append(f"{relative} | - | exit status {status}")
        return result
    expected = [json.loads(line) for line in expected_file.read_text().splitlines()]
    if any(set(session.get("optional", [])) & ONLY_SURVIVE for session in expected):
        return result
    for session in expected:
        found = next((record for record in ours if matches(record, session)), None)
        if found is None and not must_be_found(session):
            continue
        result.sessions += 1
        if found is None:
            result.differences.append(f"{relative} | {name_of(session)} | missing")
            continue
        ours.remove(found)
        changes = [f"{key} {session[key]} is {found[key]}" for key in COMPARED
                   if session[key] != found[key]]
        if changes:
            result.differences.append(f"{relative} | {name_of(session)} | {', '.join(changes)}")
        else:
            result.equal += 1
    result.differences += [f"{relative} | {name_of(extra)} | not expected" for extra in ours]
    return result


def known_differences() -> set[str]:
    """The first three columns of the table in known.md."""
    rows = set()
    for line in (HERE / "known.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if len(cells) == 4 and cells[0] not in ("capture", "") and not cells[0].startswith("-"):
            rows.add(" | ".join(cells[:3]))
    return rows


def report(results: list[FileResult]) -> int:
    differences = {difference for result in results for difference in result.differences}
    known = known_differences()
    for difference in sorted(differences - known):
        print(f"not known: {difference}")
    for difference in sorted(known - differences):
        print(f"known, but it does not occur: {difference}")
    sessions = sum(result.sessions for result in results)
    equal = sum(result.equal for result in results)
    clean = sum(not result.differences for result in results)
    print(f"{equal} of {sessions} sessions equal ({100 * equal / max(sessions, 1):.2f} %), "
          f"{clean} of {len(results)} files without difference "
          f"({100 * clean / max(len(results), 1):.2f} %), {len(differences & known)} known")
    return 0 if differences == known else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--captures", required=True, type=Path)
    arguments = parser.parse_args()
    expected = sorted((arguments.captures / "expected").rglob("*.jsonl"))
    if not expected:
        print(f"SKIP: no captures with expected records in {arguments.captures}")
        return SKIPPED
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(
            lambda path: compare(arguments.tcpeek, arguments.captures, path), expected))
    return report(results)


if __name__ == "__main__":
    sys.exit(main())
