"""What the tests of this folder share: a network of their own, programs that are ended again, and
connections whose outcome is known."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

SKIPPED = 77
ROOT = Path(__file__).resolve().parents[2]
_CLONE_NEWNET = 0x40000000

Value = TypeVar("Value")


class Failure(Exception):
    """Something is not as it must be; the text says what."""


class Skip(Exception):
    """This machine cannot run the test; the text says why."""


def run_test(body: Callable[[], None]) -> int:
    """Runs a test and turns its end into the exit status that ctest understands."""
    # So that everything is closed in order when ctest's or the user's patience ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        body()
    except Skip as skip:
        print(f"SKIP: {skip}")
        return SKIPPED
    except Failure as failure:
        print(f"FAIL: {failure}")
        return 1
    return 0


def need_programs(*names: str) -> None:
    missing = [name for name in names if shutil.which(name) is None]
    if missing:
        raise Skip(f"not installed: {', '.join(missing)}")


def need_built(*programs: Path) -> None:
    for program in programs:
        if not os.access(program, os.X_OK):
            raise Skip(f"{program} is not there, or no program")


def enter_own_network() -> None:
    """Moves this process, and what it starts from now on, to a network namespace with nothing but
    loopback. All ports are free there, and nobody else's connections are seen."""
    need_programs("ip", "nft")
    if os.geteuid() != 0:
        raise Skip("capture and a network namespace need root")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET) != 0:
        raise Skip(f"no network namespace: {os.strerror(ctypes.get_errno())}")
    checked(["ip", "link", "set", "lo", "up"])


def checked(command: list[str], text: str | None = None) -> str:
    """Runs a command that must succeed and returns its standard output."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=120,
                          check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} ended with {done.returncode}:\n"
                      f"{done.stdout}{done.stderr}")
    return done.stdout


def wait_for(what: str, seconds: float, attempt: Callable[[], Value | None]) -> Value:
    """Calls `attempt` until it returns something true; failed connections count as nothing."""
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if value := attempt():
                return value
        if time.monotonic() > deadline:
            raise Failure(f"{what}: not within {seconds:g} s")
        time.sleep(0.05)


def fetch(url: str) -> str:
    """The body of an HTTP answer; errors are OSErrors."""
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read().decode()


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="tcpeek-monitoring-") as folder:
        yield Path(folder)


class Program:
    """A program that runs in the foreground until the `with` block ends."""

    def __init__(self, command: list[str], log: Path) -> None:
        self.name = Path(command[0]).name
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Program:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=subprocess.STDOUT)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.end()
        if kind is not None and kind is not Skip:
            lines = self._log.read_text(errors="replace").splitlines()
            print("".join(f"     {self.name}: {line}\n" for line in lines[-20:]), end="")

    def end(self) -> int:
        """Asks the program to end, and returns its exit status."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise Failure(f"{self.name} did not end within 15 s of SIGTERM") from None

    def wait_ready(self, attempt: Callable[[], Value | None], seconds: float = 20) -> Value:
        """Waits until the program answers; one that has ended never will."""
        assert self._process is not None
        process = self._process

        def attempt_while_alive() -> Value | None:
            if process.poll() is not None:
                raise Failure(f"{self.name} ended at once with {process.returncode}")
            return attempt()

        return wait_for(f"{self.name} gets ready", seconds, attempt_while_alive)


# --- connections ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ports:
    """Of 127.0.0.1. A connect succeeds, is refused, or gets no answer."""

    accepting: int = 7001
    closed: int = 7002
    silent: int = 7003


class Traffic:
    """Makes connections whose outcome is known."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        # Packets are captured before the filter drops them.
        checked(["nft", "-f", "-"], f"""table inet monitoring {{
            chain input {{
                type filter hook input priority 0;
                tcp dport {ports.silent} drop
            }}
        }}""")
        self._listener = socket.create_server(("127.0.0.1", ports.accepting), backlog=64)

    def __enter__(self) -> Traffic:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def succeed(self, times: int) -> None:
        """Connections that carry a byte each way and are closed by both sides."""
        for _ in range(times):
            client, server = self._open()
            with client, server:
                client.sendall(b"?")
                server.recv(1)
                server.sendall(b"!")
                client.recv(1)

    def reset_early(self, times: int) -> None:
        """Connections that succeed and are reset by the client before it has sent a byte."""
        for _ in range(times):
            client, server = self._open()
            with server:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()

    def be_refused(self, times: int) -> None:
        for _ in range(times):
            with socket.socket() as client:
                client.settimeout(5)
                try:
                    client.connect(("127.0.0.1", self._ports.closed))
                except ConnectionRefusedError:
                    continue
                raise Failure(f"port {self._ports.closed} should be closed")

    @contextlib.contextmanager
    def unanswered(self, times: int) -> Iterator[None]:
        """Attempts that nobody answers, until the block ends. The kernel repeats each SYN after
        1 s, and for the second time not before 2 s."""
        clients = [socket.socket() for _ in range(times)]
        try:
            for client in clients:
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self._ports.silent))
            yield
        finally:
            for client in clients:
                client.close()

    def _open(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection(("127.0.0.1", self._ports.accepting), timeout=5)
        server, _ = self._listener.accept()
        return client, server
