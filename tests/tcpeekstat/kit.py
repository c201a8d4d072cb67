"""What the tests of tcpeekstat stand on: a tcpeek that reads a pipe, servers that answer wrongly, a
gmetric that only writes down how it was called, and a terminal."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.02)


def ask(path: Path, command: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(command.encode() + b"\n")
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


def capture_of(script: str, folder: Path, variant: str) -> bytes:
    """The packets of a handshake script, with the header of the file."""
    path = folder / "packets.pcap"
    subprocess.run([sys.executable, SCRIPTS / "run.py", "--dump", script, variant, path],
                   check=True, capture_output=True)
    return path.read_bytes()


PCAP_HEADER_OCTETS = 24


@contextlib.contextmanager
def tcpeek_on_a_pipe(tcpeek: Path, path: Path, *arguments: str) -> Iterator[subprocess.Popen]:
    """What is written to its standard input is judged; needs no root."""
    process = subprocess.Popen([tcpeek, "-r", "-", "-q", "-U", path, *arguments],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        wait_for(path.exists, "the socket")
        yield process
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.wait(timeout=10)


@dataclass
class WrongServer:
    """Answers each line by `answer`; then closes, or stays silent."""

    path: Path
    answer: bytes
    closes: bool = True
    lines: list[bytes] = field(default_factory=list)

    def __enter__(self) -> WrongServer:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        self._kept: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._kept.append(client)
                self.lines.append(client.recv(1000))
                with contextlib.suppress(BrokenPipeError):
                    client.sendall(self.answer)
                if self.closes:
                    client.close()

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for client in self._kept:
            client.close()
        self.path.unlink()


@dataclass
class Gmetric:
    """A program in the place of gmetric; `behaviour` is shell that knows the metric as $2."""

    folder: Path
    behaviour: str = ""

    def __post_init__(self) -> None:
        self.program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$#\" \"$@\" >>'{self.log}'\n"
                                f"{self.behaviour}\nexit 0\n")
        self.program.chmod(0o755)
        self.log.write_text("")

    @property
    def program(self) -> Path:
        return self.folder / "gmetric"

    @property
    def log(self) -> Path:
        return self.folder / "gmetric.log"

    def calls(self) -> list[list[str]]:
        words = self.log.read_text().splitlines()
        calls = []
        while words:
            count = int(words[0])
            calls.append(words[1:1 + count])
            words = words[1 + count:]
        return calls

    def values(self) -> dict[str, str]:
        return {call[1]: call[3] for call in self.calls()}


class Terminal:
    """A pseudo-terminal with a program on it, and everything that the program wrote."""

    def __init__(self, command: list[str], rows: int = 40, columns: int = 100) -> None:
        self._master, self._slave = pty.openpty()
        self.written = b""
        self._set_size(rows, columns)
        self._before = termios.tcgetattr(self._slave)

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command, stdin=self._slave, stdout=self._slave, stderr=self._slave,
            env=os.environ | {"TERM": "xterm", "LC_ALL": "C.UTF-8"}, preexec_fn=own_terminal)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)

    def _set_size(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows: int, columns: int) -> None:
        self._set_size(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def press(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def read(self, seconds: float = 0.0) -> None:
        while select.select([self._master], [], [], seconds)[0]:
            self.written += os.read(self._master, 65536)
            seconds = 0.0

    def wait_for(self, text: str, seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while text.encode() not in self.written:
            assert time.monotonic() < end, f"{text!r} is not among {self.written!r}"
            assert self.process.poll() is None, f"ended without {text!r}: {self.written!r}"
            self.read(0.05)

    def forget(self) -> None:
        self.read(0.3)
        self.written = b""

    def end(self) -> int:
        status = self.process.wait(timeout=10)
        self.read(0.1)
        return status

    def is_restored(self) -> bool:
        return termios.tcgetattr(self._slave) == self._before


def stats_of(path: Path) -> dict:
    return json.loads(ask(path, "STATS"))
