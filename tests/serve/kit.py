"""What the tests of the servers stand on: a tcpeek on loopback or on a pipe, and how it is asked."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ANSWER_WITHIN = 0.1  # seconds, whatever other clients do
# Under a sanitizer everything takes longer, and freed memory is kept for a while.
SLOW = "--slow" in sys.argv
PATIENCE = ANSWER_WITHIN * (20 if SLOW else 1)
PATIENCE_FOR_END = 100 if SLOW else 10


@dataclass
class Server:
    """One tcpeek on lo."""
    process: subprocess.Popen
    socket_path: Path
    http_port: int

    def ask(self, line: str = "GET\n", timeout: float = 5.0) -> bytes:
        with self.connect(timeout) as client:
            client.sendall(line.encode())
            return read_all(client)

    def json(self, line: str = "GET\n"):
        return json.loads(self.ask(line))

    def connect(self, timeout: float = 5.0) -> socket.socket:
        client = socket.socket(socket.AF_UNIX)
        client.connect(str(self.socket_path))  # waits while the queue of connects is full
        client.settimeout(timeout)
        return client

    def http(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=5)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()
        finally:
            connection.close()

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident_kilobytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0])


def read_all(client: socket.socket) -> bytes:
    pieces = []
    while piece := client.recv(1024):
        pieces.append(piece)
    return b"".join(pieces)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def is_listened_at(port: int) -> bool:
    """As the kernel lists it: a connection to see it would be counted."""
    rows = [row.split() for name in ("tcp", "tcp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return any(row[3] == "0A" and int(row[1].rsplit(":", 1)[1], 16) == port for row in rows)


@contextlib.contextmanager
def serving(tcpeek: str, path: Path, *options: str,
            http_address: str = "127.0.0.1", interface: str = "lo") -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen([tcpeek, "-q", "-i", interface, "-U", str(path),
                                f"--http={http_address}:{port}", *options],
                               stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: process.poll() is not None or (answers(path) and is_listened_at(port)),
                 "an answering socket")
        assert process.poll() is None, process.stderr.read()
        yield Server(process, path, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE_FOR_END)
    assert process.returncode == 0, f"exit status {process.returncode}"


@contextlib.contextmanager
def serving_a_pipe(tcpeek: str, path: Path, *options: str, source: str = "-",
                   stdout: int | None = None) -> Iterator[Server]:
    """One that reads a file, or its standard input, which is `process.stdin`."""
    port = free_port()
    process = subprocess.Popen([tcpeek, "-r", source, "-U", str(path), f"--http={port}", *options],
                               stdin=subprocess.PIPE, stdout=stdout, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    try:
        wait_for(lambda: process.poll() is not None or (answers(path) and is_listened_at(port)),
                 "an answering socket")
        yield Server(process, path, port)
    finally:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=PATIENCE_FOR_END)


@contextlib.contextmanager
def quiet_interface(name: str) -> Iterator[None]:
    """One without an address, which is up."""
    peer = f"{name}-peer"
    for command in (["add", name, "type", "veth", "peer", "name", peer],
                    ["set", name, "addrgenmode", "none"], ["set", peer, "addrgenmode", "none"],
                    ["set", peer, "up"], ["set", name, "up"]):
        subprocess.run(["ip", "link", *command], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "del", name], check=True)


def make_sessions(count: int) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        for _ in range(count):
            with socket.create_connection(listener.getsockname()) as client:
                accepted, _peer = listener.accept()
                with accepted:
                    accepted.sendall(b"x")
                    client.recv(1)


def answered_quickly(server: Server) -> None:
    begin = time.monotonic()
    server.json()
    took = time.monotonic() - begin
    assert took < PATIENCE, f"GET took {took:.3f} s"


def successes(answer: list) -> int:
    return answer[0]["RX"]["success"]["total"]


def many_filters(count: int) -> list[str]:
    return [f"F{i}:RX@*:{i + 1}" for i in range(count)]


def run_once(tcpeek: str, path: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([tcpeek, "-q", *(options or ("-i", "lo")), "-U", str(path)], text=True,
                          capture_output=True, timeout=10, check=False)
