#!/usr/bin/env python3
"""Checks that every C++ file is formatted as .clang-format says. Usage: format.py ROOT"""

import shutil
import subprocess
import sys
from pathlib import Path

SKIPPED = 77


def main() -> int:
    root = Path(sys.argv[1]).resolve()
    if shutil.which("clang-format") is None:
        print("SKIP: clang-format is not installed")
        return SKIPPED
    files = [str(path) for folder in ("src", "bpf", "tests", "bench") for pattern in ("*.h", "*.c", "*.cpp")
             for path in sorted((root / folder).rglob(pattern))]
    return subprocess.run(["clang-format", "--dry-run", "-Werror", *files], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
