"""A container that boots systemd from a root, as a machine of its own would."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from roots import Root, run, skip


def until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.1)


class Machine:
    def __init__(self, nspawn: subprocess.Popen, root: Root):
        self.nspawn = nspawn
        self.root = root
        self.init = 0

    def has_init(self) -> bool:
        pid = self.nspawn.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self.init = int(children[0]) if children else 0
        return bool(self.init)

    def run(self, *command: str, check: bool = True) -> subprocess.CompletedProcess:
        return run("nsenter", f"--target={self.init}", "--all", "--root", "--wd=/", *command, check=check,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8",
                        "DEBIAN_FRONTEND": "noninteractive", "TERM": "dumb"}, timeout=120)

    def text(self, *command: str) -> str:
        return self.run(*command, check=False).stdout.strip()

    def show(self, unit: str, name: str) -> str:
        return self.text("systemctl", "show", "-P", name, unit)

    def is_up(self) -> bool:
        return self.text("systemctl", "is-system-running") in ("running", "degraded")

    def journal(self, unit: str) -> str:
        return self.text("journalctl", "--no-pager", "-o", "cat", "-u", unit)


@contextlib.contextmanager
def booted(root: Root) -> Iterator[Machine]:
    """Its network is one of its own, with nothing but lo in it."""
    console = root.path / "tmp/console"
    with console.open("w") as output:
        nspawn = subprocess.Popen(
            ["systemd-nspawn", f"--directory={root.path}", "--boot", "--private-network",
             "--register=no", "--keep-unit", "--console=pipe", "--resolv-conf=off",
             # A machine of its own has them; a container has not, unless it is told.
             "--capability=CAP_BPF,CAP_PERFMON", "--system-call-filter=bpf"],
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
    machine = Machine(nspawn, root)
    try:
        try:
            until(lambda: nspawn.poll() is not None or (machine.has_init() and machine.is_up()),
                  "systemd is up", 60)
        except AssertionError as error:
            skip(f"systemd does not come up in a container: {error}; {console.read_text()[-500:]}")
        if nspawn.poll() is not None:
            skip(f"systemd-nspawn cannot boot here: {console.read_text()[-500:]}")
        yield machine
    finally:
        if nspawn.poll() is None:
            os.kill(machine.init or nspawn.pid, signal.SIGRTMIN + 4 if machine.init else signal.SIGTERM)
            try:
                nspawn.wait(20)
            except subprocess.TimeoutExpired:
                nspawn.kill()
                nspawn.wait()
