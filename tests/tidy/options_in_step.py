#!/usr/bin/env python3
"""Checks that the option tables of the READMEs name exactly the options, with their values, that
`tcpeek --help` names. Usage: options_in_step.py TCPEEK README..."""

import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?:-(\w), )?--([a-z-]+)(?:=(\S+))?")


def options_of_help(tcpeek: str) -> set[str]:
    text = subprocess.run([tcpeek, "--help"], capture_output=True, text=True, check=True).stdout
    rows = re.findall(r"^  (?:    |(?=-\w, ))((?:-\w, )?--[a-z-]+(?:=\S+)?)", text, re.MULTILINE)
    return set(rows)


def options_of_readme(path: Path) -> set[str]:
    """Every row's first cell may name several options, each in code quotes."""
    found = set()
    for line in path.read_text().splitlines():
        if not line.startswith("| `-"):
            continue
        first_cell = re.split(r"(?<!\\)\|", line)[1]
        found |= {name for name in re.findall(r"`([^`]+)`", first_cell) if OPTION.fullmatch(name)}
    return found


def main() -> int:
    tcpeek, *readmes = sys.argv[1:]
    wanted = options_of_help(tcpeek)
    status = 0 if wanted else 1
    for readme in readmes:
        found = options_of_readme(Path(readme))
        for name in sorted(wanted - found):
            print(f"{readme}: does not name {name}")
        for name in sorted(found - wanted):
            print(f"{readme}: names {name}, which --help does not")
        status |= found != wanted
    print(f"{len(wanted)} options in --help")
    return status


if __name__ == "__main__":
    sys.exit(main())
