#!/usr/bin/env python3
"""The statistics socket and HTTP of the real program, on loopback, with polite and rude clients.
Usage: run.py --tcpeek PATH [NAME...]. Needs root; without it a line that says so, and status 77."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import file_tests
import http_tests
import series_tests
import socket_tests

SKIPPED = 77
TESTS = {name.removeprefix("test_"): function
         for module in (socket_tests, http_tests, series_tests, file_tests)
         for name, function in vars(module).items() if name.startswith("test_")}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--slow", action="store_true", help="the program has a sanitizer in it")
    parser.add_argument("names", nargs="*", choices=[[], *TESTS])
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        print("SKIP: capturing on lo needs root")
        return SKIPPED
    failed = 0
    for name in arguments.names or TESTS:
        with tempfile.TemporaryDirectory(prefix="tcpeek-serve-") as folder:
            try:
                TESTS[name](arguments.tcpeek, Path(folder))
                print(f"ok      {name}", flush=True)
            except (AssertionError, OSError, ValueError, KeyError,
                    subprocess.SubprocessError) as error:
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(arguments.names or TESTS)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
