#!/usr/bin/env python3
"""The kernel filter never changes a verdict: writes every script in every encapsulation as a capture, and runs these,
the public captures and random sequences through filter_comparison, with a filter that is large enough and with one
that is not. Usage: run.py --comparison PROGRAM [--captures FOLDER]"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "scripts"
sys.path.insert(0, str(SCRIPTS))

from scriptkit.check import new_expansion  # noqa: E402
from scriptkit.parser import parse_file  # noqa: E402
from scriptkit.variants import unique  # noqa: E402

SKIPPED = 77
LARGE, SMALL = 65_536, 1
SEQUENCES, SEED = "10000", "1"


def write_scripts(folder: Path) -> None:
    """One capture for each family and encapsulation of each script."""
    for path in sorted(SCRIPTS.glob("*/*.script")):
        name = str(path.relative_to(SCRIPTS))
        expansion = new_expansion(parse_file(path, name))
        written = set()
        for variant in unique(expansion.variants("full")):
            kind = (variant.family, variant.link.name)
            if kind not in written:
                written.add(kind)
                file = f"{name.replace('/', '-')}.{variant.family}.{variant.link.name}"
                (folder / file).write_bytes(expansion.capture(variant))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparison", required=True)
    parser.add_argument("--captures", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcpeek-filter-") as scratch:
        write_scripts(Path(scratch))
        places = [scratch]
        if options.captures and options.captures.is_dir():
            places.append(str(options.captures))
        for entries in (LARGE, SMALL):
            status = subprocess.run([options.comparison, str(entries), SEQUENCES, SEED, *places], check=False).returncode
            if status:
                return status
    return 0


if __name__ == "__main__":
    sys.exit(main())
