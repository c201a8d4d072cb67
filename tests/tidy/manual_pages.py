#!/usr/bin/env python3
"""Checks the manual pages as their readers do: mandoc and man find nothing to complain about, and what
man shows has all sections, in English or Japanese. Usage: manual_pages.py PAGE..."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "ENVIRONMENT", "SEE ALSO")
JAPANESE_SECTIONS = ("名前", "書式", "説明", "オプション", "終了ステータス", "環境変数", "関連項目")


def run(*command: str) -> str:
    """Both streams: a checker that finds nothing writes to neither."""
    environment = os.environ | {"LC_ALL": "C.UTF-8", "MANROFFSEQ": "", "MANWIDTH": "80"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    return done.stdout + done.stderr


def complaints(page: Path) -> list[str]:
    found = run("mandoc", "-Tlint", "-W", "style", str(page)).splitlines()
    warnings = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", str(page)],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                              env=os.environ | {"LC_ALL": "C.UTF-8", "MANROFFSEQ": ""},
                              check=False).stderr.splitlines()
    shown = run("man", "-l", str(page))
    headings = set(re.findall(r"^(\S.*)$", shown, re.MULTILINE))
    wanted = JAPANESE_SECTIONS if page.parent.name == "ja" else SECTIONS
    missing = [f"man shows no section {name}" for name in wanted if name not in headings]
    wide = [f"wider than the terminal: {line}" for line in shown.splitlines()
            if sum(2 if ord(c) > 0x2e80 else 1 for c in line) > 80]
    marks = [f"left over: {mark}" for mark in re.findall(r"@[A-Z]+@", page.read_text())]
    return found + warnings + missing + wide + marks


def main() -> int:
    for program in ("mandoc", "man"):
        if shutil.which(program) is None:
            print(f"SKIP: {program} is not installed")
            return SKIPPED
    status = 0
    for page in map(Path, sys.argv[1:]):
        found = complaints(page)
        print(f"{page.parent.name}/{page.name}: {len(found)} complaints")
        for line in found:
            print(f"  {line}")
        status |= int(bool(found))
    return status


if __name__ == "__main__":
    sys.exit(main())
