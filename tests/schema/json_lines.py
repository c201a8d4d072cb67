#!/usr/bin/env python3
"""The JSON lines of all golden outputs, those that the READMEs show, and those of tcpeek over all
scripts, against the schema. Usage: json_lines.py --tcpeek PATH"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "scripts"))

from scriptkit.check import arguments, new_expansion
from scriptkit.parser import parse_file
from scriptkit.variants import unique
from validation import Account, conclude

# Keys that no script can show, and why.
EXCUSED = {
    "session.capture_loss": "a file loses no packets",
}
VARIANTS_OF_A_SCRIPT = 2


def written_lines() -> Iterator[tuple[str, str]]:
    for paths, prefix in (((TESTS / "golden").glob("*.golden"), "out: "),
                          (TESTS.parent.glob("README*.md"), "")):
        for path in sorted(paths):
            for number, line in enumerate(path.read_text().splitlines(), 1):
                if line.startswith(prefix + "{"):
                    yield f"{path.name}:{number}", line.removeprefix(prefix)


def script_lines(tcpeek: str, capture: Path) -> Iterator[tuple[str, str]]:
    """A few variants of each script; which ones goes around, so that all have their turn."""
    for turn, path in enumerate(sorted((TESTS / "scripts").glob("*/*.script"))):
        script = parse_file(path, str(path.relative_to(TESTS / "scripts")))
        expansion = new_expansion(script)
        variants = unique(expansion.variants("quick"))
        for further in range(VARIANTS_OF_A_SCRIPT):
            variant = variants[(turn + further * len(variants) // VARIANTS_OF_A_SCRIPT)
                               % len(variants)]
            capture.write_bytes(expansion.capture(variant))
            done = subprocess.run([tcpeek, *arguments(script, variant, str(capture))],
                                  capture_output=True, text=True, timeout=60, check=True)
            for line in done.stdout.splitlines():
                yield f"{script.path} {variant.name}", line


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    tcpeek = str(Path(parser.parse_args().tcpeek).resolve())
    account = Account("json-lines")
    for source, line in written_lines():
        account.check(source, line)
    with tempfile.TemporaryDirectory(prefix="tcpeek-schema-") as folder:
        for source, line in script_lines(tcpeek, Path(folder) / "capture"):
            account.check(source, line)
    if not account.problems:
        account.check_all_shown(EXCUSED)
    return conclude([account])


if __name__ == "__main__":
    sys.exit(main())
