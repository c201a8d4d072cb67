#!/usr/bin/env python3
"""Whole outputs, byte for byte. Each `NAME.golden` begins with a line `captures` (scripts of
tests/scripts with the variant that is written) and a line `arguments`; then what tcpeek must print,
each line behind `out:` or `err:`. `--update` writes what it prints now: review the difference.
Usage: run.py --tcpeek PATH [--update] [NAME...]"""

import argparse
import difflib
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENCODER = HERE.parent / "scripts" / "run.py"


def write_captures(names: list[str], folder: str) -> list[str]:
    paths = []
    for place, name in enumerate(names):
        script, variant = name.split(":")
        path = f"{folder}/{place}.capture"
        subprocess.run([sys.executable, ENCODER, "--dump", script, variant, path], check=True,
                       stdout=subprocess.DEVNULL)
        paths.append(path)
    return paths


def marked(prefix: str, text: str) -> list[str]:
    return [f"{prefix}{' ' if line else ''}{line}" for line in text.splitlines()]


def output_of(tcpeek: str, head: list[str]) -> list[str]:
    """The lines of both outputs, standard output first, for the captures and arguments of `head`."""
    captures = head[0].split()[1:]
    arguments = shlex.split(head[1])[1:]
    with tempfile.TemporaryDirectory(prefix="tcpeek-golden-") as folder:
        reads = [word for path in write_captures(captures, folder) for word in ("-r", path)]
        done = subprocess.run([tcpeek, *reads, *arguments], capture_output=True, text=True,
                              env={**os.environ, "TZ": "Asia/Tokyo"}, check=False)
    return [*marked("out:", done.stdout), *marked("err:", done.stderr), f"exit: {done.returncode}"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--update", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    tcpeek = str(Path(arguments.tcpeek).resolve())
    paths = [HERE / f"{name}.golden" for name in arguments.names] or sorted(HERE.glob("*.golden"))
    failed = 0
    for path in paths:
        expected = path.read_text().splitlines()
        got = expected[:2] + output_of(tcpeek, expected)
        if arguments.update:
            path.write_text("\n".join(got) + "\n")
        elif got != expected:
            failed += 1
            print("\n".join(difflib.unified_diff(expected, got, str(path), "tcpeek", lineterm="")))
    print(f"{len(paths)} golden outputs, {failed} failed")
    return 1 if failed or not paths else 0


if __name__ == "__main__":
    sys.exit(main())
