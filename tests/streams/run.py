#!/usr/bin/env python3
"""What becomes of standard input, output and error: readers that go away or take nothing, a full disk,
and descriptors that the caller has closed. Usage: run.py --tcpeek PATH --tcpeekstat PATH [NAME...]"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "serve"))

from file_tests import PCAP_HEADER, handshakes
from kit import wait_for

SESSIONS = 20_000


@dataclass(frozen=True)
class Programs:
    tcpeek: Path
    tcpeekstat: Path
    capture: Path

    def shell(self, command: str) -> subprocess.CompletedProcess:
        """`command` after `exec`; FILE is the capture."""
        text = command.replace("tcpeekstat", str(self.tcpeekstat)) if "tcpeekstat" in command \
            else command.replace("tcpeek", str(self.tcpeek))
        return subprocess.run(["bash", "-c", f"exec {text.replace('FILE', str(self.capture))}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30,
                              check=False)


def full_disk(programs: Programs) -> None:
    for command in ("tcpeek -r FILE -o json >/dev/full", "tcpeek --help >/dev/full",
                    "tcpeek --info >/dev/full", "tcpeek --version >/dev/full"):
        done = programs.shell(command)
        assert done.returncode == 1, (command, done)
        assert "standard output: No space left on device" in done.stderr, (command, done)
    for command in ("tcpeek -r FILE -q 2>/dev/full", "tcpeek -r FILE 2>/dev/full"):
        assert programs.shell(command).returncode == 1, command


def closed_descriptors(programs: Programs) -> None:
    """What is written must not go to a file or socket that has got the number meanwhile."""
    done = programs.shell("tcpeek -r FILE -o json -q >&-")
    assert done.returncode == 1 and "standard output: Bad file descriptor" in done.stderr, done
    done = programs.shell("tcpeek -r - <&-")
    assert done.returncode == 1 and "Bad file descriptor" in done.stderr, done
    done = programs.shell("tcpeek -r FILE -o json 2>&- <&-")
    assert done.returncode == 0 and done.stdout.count("\n") == SESSIONS, done.returncode
    done = programs.shell("tcpeek -r FILE <&- >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
    done = programs.shell("tcpeekstat -U /nonexistent >&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", ""), done
    process = subprocess.Popen(["bash", "-c", f"exec {programs.tcpeek} -r <(sleep 9) <&- >&- 2>&-"])
    try:
        folder = Path(f"/proc/{process.pid}/fd")
        wait_for(lambda: len(list(folder.iterdir())) > 6, "descriptors")
        for number in ("0", "1", "2"):
            assert os.readlink(folder / number) == "/dev/null", os.readlink(folder / number)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def readers_that_go_away(programs: Programs) -> None:
    command = f"{programs.tcpeek} -r {programs.capture} -o json | head -n 3; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30,
                          check=False)
    *lines, status = done.stdout.splitlines()
    assert status == "0" and len(lines) == 3, done.stdout
    assert all(json.loads(line)["result"] == "success" for line in lines)
    command = f"{programs.tcpeek} -r {programs.capture} 2>&1 | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30,
                          check=False)
    assert done.stdout.splitlines()[-1] == "0" and done.stderr == "", done


def a_reader_that_takes_nothing(programs: Programs) -> None:
    """The end does not wait for it for long, and says what was not shown."""
    process = subprocess.Popen([programs.tcpeek, "-r", programs.capture, "-o", "json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
    assert "Records not displayed" in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


TESTS: tuple[Callable[[Programs], None], ...] = (
    full_disk, closed_descriptors, readers_that_go_away, a_reader_that_takes_nothing)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--tcpeekstat", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    chosen = [test for test in TESTS if not options.names or test.__name__ in options.names]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        capture = Path(folder) / "capture.pcap"
        capture.write_bytes(PCAP_HEADER + handshakes([(1_000, 1_000)] * SESSIONS))
        programs = Programs(options.tcpeek.resolve(), options.tcpeekstat.resolve(), capture)
        for test in chosen:
            try:
                test(programs)
                print(f"ok   {test.__name__}", flush=True)
            except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
                failed += 1
                print(f"FAIL {test.__name__}: {type(error).__name__}: {str(error)[:500]}", flush=True)
    print(f"{len(chosen)} tests, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
