#!/usr/bin/env python3
"""Runs the scripts: each is written as many captures, and tcpeek must print the expected records for every one."""

from __future__ import annotations

import argparse
import fnmatch
import multiprocessing
import shlex
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Optional

from scriptkit.check import Failure, arguments, new_expansion, run_variant
from scriptkit.model import Script, ScriptError
from scriptkit.parser import parse_file
from scriptkit.variants import LEVELS, unique

HERE = Path(__file__).resolve().parent


def shown_path(path: Path) -> str:
    """The path below this folder, so that names (and the choices made from them) do not depend on the caller."""
    resolved = path.resolve()
    return str(resolved.relative_to(HERE)) if resolved.is_relative_to(HERE) else str(path)


def find_scripts(given: list[str], pattern: Optional[str]) -> list[Path]:
    paths = [Path(name) for name in given] or sorted(HERE.glob("*/*.script"))
    return [p for p in paths if not pattern or fnmatch.fnmatch(shown_path(p), f"*{pattern}*")]


def run_script(tcpeek: str, level: str, only_variant: Optional[str], keep: Optional[str],
               path: Path) -> tuple[int, list[Failure]]:
    """The number of variants and the failures of one script. Runs in a process of its own."""
    name = shown_path(path)
    try:
        script = parse_file(path, name)
    except (ScriptError, OSError) as error:
        return 0, [Failure(name, "-", [str(error)])]
    expansion, failures, count = new_expansion(script), [], 0
    with tempfile.TemporaryDirectory(prefix="tcpeek-script-") as scratch:
        for variant in unique(expansion.variants(level)):
            if only_variant and not fnmatch.fnmatch(variant.name, f"*{only_variant}*"):
                continue
            count += 1
            capture = Path(scratch) / "capture"
            problems = run_variant(script, expansion, variant, tcpeek, capture)
            if problems:
                failures.append(Failure(name, variant.name, problems))
                if keep:
                    target = Path(keep) / f"{name.replace('/', '-')}.{variant.name}"
                    target.write_bytes(capture.read_bytes())
    if not count and not only_variant:
        failures.append(Failure(name, "-", [f"{name}:1: its `only` leaves no variant"]))
    return count, failures


def print_failures(failures: list[Failure], tcpeek: str, shown: int) -> None:
    """A script's text once, then the first variants that fail; the others by name."""
    try:
        script: Optional[Script] = parse_file(HERE / failures[0].script, failures[0].script)
    except (ScriptError, OSError):
        script = None
    print(f"FAILED {failures[0].script}")
    for number, line in enumerate(script.text if script else [], 1):
        print(f"  {number:3} | {line}")
    for failure in failures[:shown]:
        print(f"  variant {failure.variant}")
        for problem in failure.problems:
            print(f"    {problem}")
        variant = new_expansion(script).by_name(failure.variant) if script else None
        if script and variant:
            dump = [str(HERE / "run.py"), "--dump", failure.script, failure.variant, "/tmp/out.pcap"]
            again = [tcpeek, *arguments(script, variant, "/tmp/out.pcap")]
            print(f"    again: {shlex.join(dump)} && {shlex.join(again)}")
    others = [failure.variant for failure in failures[shown:]]
    if others:
        print(f"  and {len(others)} more: {' '.join(others[:8])}{' ...' if len(others) > 8 else ''}")
    print()


def run_all(options: argparse.Namespace) -> int:
    paths = find_scripts(options.scripts, options.only)
    if not paths:
        print("no such script", file=sys.stderr)
        return 2
    if options.keep:
        Path(options.keep).mkdir(parents=True, exist_ok=True)
    work = partial(run_script, options.tcpeek, options.expand, options.variant, options.keep)
    variants = failed = failed_scripts = 0
    with multiprocessing.Pool(options.jobs) as pool:
        for path, (count, failures) in zip(paths, pool.imap(work, paths)):
            variants += count
            failed += len(failures)
            failed_scripts += bool(failures)
            if failures:
                print_failures(failures, options.tcpeek, options.show)
            elif options.verbose:
                print(f"ok {shown_path(path)} ({count})")
    where = f" in {failed_scripts} scripts" if failed else ""
    print(f"{len(paths)} scripts, {variants} variants, {failed} failed{where}")
    return 1 if failed else 0


def dump(name: str, variant_name: str, out: str) -> int:
    path = Path(name) if Path(name).exists() else HERE / name
    expansion = new_expansion(parse_file(path, shown_path(path)))
    variant = expansion.by_name(variant_name)
    if variant is None:
        known = " ".join(v.name for v in unique(expansion.variants("full")))
        print(f"{name} has no variant {variant_name}; there are: {known}", file=sys.stderr)
        return 2
    Path(out).write_bytes(expansion.capture(variant))
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scripts", nargs="*", help="script files; all of them by default")
    parser.add_argument("--tcpeek", help="the program to test")
    parser.add_argument("--jobs", type=int, default=2, help="processes (2)")
    parser.add_argument("--only", metavar="GLOB", help="scripts whose path matches")
    parser.add_argument("--variant", metavar="GLOB", help="variants whose name matches")
    parser.add_argument("--expand", choices=LEVELS, default="full", help="how many variants of each (full)")
    parser.add_argument("--keep", metavar="DIR", help="keep the captures of variants that fail")
    parser.add_argument("--show", type=int, default=1, help="variants shown in full of a script that fails (1)")
    parser.add_argument("--verbose", action="store_true", help="name scripts that pass, too")
    parser.add_argument("--dump", nargs=3, metavar=("SCRIPT", "VARIANT", "OUT"), help="write one capture and end")
    parser.add_argument("--tshark", action="store_true", help="let tshark read what the encoder writes, and compare")
    options = parser.parse_args()
    try:
        if options.dump:
            return dump(*options.dump)
        if options.tshark:
            from scriptkit.tshark import check_with_tshark

            return check_with_tshark(find_scripts(options.scripts, options.only))
    except (ScriptError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    if not options.tcpeek:
        parser.error("--tcpeek is needed")
    return run_all(options)


if __name__ == "__main__":
    sys.exit(main())
