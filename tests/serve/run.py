#!/usr/bin/env python3
"""The statistics socket and HTTP of the real program, on loopback, with polite and rude clients.
Usage: run.py --tcpeek PATH [NAME...]. Needs root; without it a line that says so, and status 77."""

import argparse
import contextlib
import http.client
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

SKIPPED = 77
ANSWER_WITHIN = 0.1  # seconds, whatever other clients do
# Under a sanitizer everything takes longer, and freed memory is kept for a while.
SLOW = "--slow" in sys.argv
PATIENCE = ANSWER_WITHIN * (20 if SLOW else 1)


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


@contextlib.contextmanager
def serving(tcpeek: str, path: Path, *options: str) -> Iterator[Server]:
    port = free_port()
    process = subprocess.Popen([tcpeek, "-q", "-i", "lo", "-U", str(path), f"--http={port}",
                                *options], stderr=subprocess.PIPE, text=True)
    try:
        wait_for(lambda: process.poll() is not None or answers(path), "an answering socket")
        assert process.poll() is None, process.stderr.read()
        yield Server(process, path, port)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)
    assert process.returncode == 0, f"exit status {process.returncode}"


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


def test_forms(tcpeek: str, folder: Path) -> None:
    path = folder / "made" / "here" / "tcpeek.sock"
    with serving(tcpeek, path) as server:
        assert path.stat().st_mode & 0o7777 == 0o660, oct(path.stat().st_mode)
        make_sessions(3)
        wait_for(lambda: successes(server.json()) == 3, "three successes")
        get = server.json("GET\r\n")
        assert [list(element) for element in get] == [["RX"], ["TX"], ["pcap"]], get
        assert server.ask().count(b"\n") == 1
        assert successes(server.json("REFRESH\n")) == 3
        refresh = server.json("REFRESH\n")
        assert successes(refresh) == 0 and len(refresh) == 2, refresh
        stats = server.json("STATS\n")
        latency = stats["filters"]["TX"]["latency"]["elapsed"]
        assert latency["count"] == 3 and sum(b["count"] for b in latency["buckets"]) == 3
        assert latency["p50_ns"] <= latency["p99_ns"] <= latency["max_ns"]
        for line in ("get\n", "\n", "GET STATS\n", "\0\xff\n", "x" * 200 + "\n", "x" * 200):
            assert list(server.json(line)) == ["error"], line
        with server.connect() as half:
            half.sendall(b"GE")
            half.shutdown(socket.SHUT_WR)
            assert list(json.loads(read_all(half))) == ["error"]
        with server.connect() as split:
            for octet in b"GET\r\n":
                split.sendall(bytes([octet]))
            assert successes(json.loads(read_all(split))) == 3
        assert server.json("STATS\n")["clients"]["wrong_commands"] == 7
    assert not path.exists(), "the socket is there after the end"


def test_rude_clients(tcpeek: str, folder: Path) -> None:
    with serving(tcpeek, folder / "s", *many_filters(100)) as server:
        before = server.descriptors()
        silent = [server.connect() for _ in range(20)]
        slow = server.connect(10)
        slow.sendall(b"STATS\n")
        slow.recv(1)
        unread = server.connect(10)
        unread.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        unread.sendall(b"STATS\n")
        flood = threading.Thread(target=send_rubbish, args=(server,))
        flood.start()
        for _ in range(20):
            answered_quickly(server)
            time.sleep(0.02)
        flood.join()
        begin = time.monotonic()
        assert silent[0].recv(1) == b"", "a silent client is not dropped"
        assert time.monotonic() - begin < 4
        wait_for(lambda: server.json("STATS\n")["clients"]["dropped"]["silent"] == 20, "20 silent")
        wait_for(lambda: server.json("STATS\n")["clients"]["dropped"]["unread"] >= 1, "unread")
        for client in [*silent, slow, unread]:
            client.close()
        wait_for(lambda: server.descriptors() <= before + 1, "no descriptor leak")


def send_rubbish(server: Server) -> None:
    """A gigabyte, as far as the server takes it."""
    block = b"\0" * 1_000_000
    with server.connect(5) as client, contextlib.suppress(OSError):
        for _ in range(1_000):
            client.sendall(block)


def many_filters(count: int) -> list[str]:
    return [f"F{i}:RX@*:{i + 1}" for i in range(count)]


def test_many_connects(tcpeek: str, folder: Path) -> None:
    with serving(tcpeek, folder / "s") as server:
        for _ in range(1_000):
            server.connect().close()
        descriptors, memory = server.descriptors(), server.resident_kilobytes()
        for _ in range(9_000):
            server.connect().close()
        answered_quickly(server)
        wait_for(lambda: server.descriptors() <= descriptors + 1, "no descriptor leak")
        assert SLOW or server.resident_kilobytes() < memory + 1_000, "memory grows with connects"


def test_refresh_adds_up(tcpeek: str, folder: Path) -> None:
    """What the callers that got a whole answer got adds up to what was done; rude ones ask and
    leave at every point of their answer."""
    total = [0]
    lock = threading.Lock()
    stop = threading.Event()
    with serving(tcpeek, folder / "s", *many_filters(50)) as server:

        def polite() -> None:
            while not stop.is_set():
                gained = successes(server.json("REFRESH\n"))
                with lock:
                    total[0] += gained

        def rude(read_octets: int) -> None:
            while not stop.is_set():
                with server.connect() as client, contextlib.suppress(OSError):
                    client.sendall(b"REFRESH\n")
                    if read_octets:
                        client.recv(read_octets)
                time.sleep(0.001)

        callers = [threading.Thread(target=polite) for _ in range(3)]
        callers += [threading.Thread(target=rude, args=(n,)) for n in (0, 1, 100, 1_000)]
        for caller in callers:
            caller.start()
        make_sessions(1_000)
        wait_for(lambda: successes(server.json()) == 1_000, "1,000 successes")
        stop.set()
        for caller in callers:
            caller.join()
        wait_for(lambda: server.json("STATS\n")["clients"]["refreshes_undone"] > 0, "an undone one")
        time.sleep(0.2)
        total[0] += successes(server.json("REFRESH\n"))
        undone = server.json("STATS\n")["clients"]["refreshes_undone"]
    assert total[0] == 1_000, f"{total[0]} of 1,000 told, {undone} answers were given back"


def test_socket_file(tcpeek: str, folder: Path) -> None:
    path = folder / "s"
    with serving(tcpeek, path) as server:
        again = run_once(tcpeek, path)
        assert again.returncode == 1 and f"tcpeek (process {server.process.pid})" in again.stderr
        answered_quickly(server)
    with serving(tcpeek, path) as killed:
        killed.process.kill()
        killed.process.wait()
        killed.process.returncode = 0
        assert path.exists(), "kill -9 leaves the file"
        with serving(tcpeek, path) as server:
            answered_quickly(server)
    path.write_text("precious")
    kept = run_once(tcpeek, path)
    assert kept.returncode == 1 and kept.stderr.count("\n") == 1, kept.stderr
    assert path.read_text() == "precious"
    for bad in (folder / ("x" * 120), path / "in" / "a" / "file"):
        wrong = run_once(tcpeek, bad)
        assert wrong.returncode == 1 and wrong.stderr.count("\n") == 1, wrong.stderr
    assert run_once(tcpeek, folder / "t", "-i", "lo9").returncode == 1
    assert not (folder / "t").exists()


def run_once(tcpeek: str, path: Path, *options: str) -> subprocess.CompletedProcess:
    return subprocess.run([tcpeek, "-q", *(options or ("-i", "lo")), "-U", str(path)], text=True,
                          capture_output=True, timeout=10, check=False)


def test_other_user(tcpeek: str, folder: Path) -> None:
    folder.chmod(0o755)
    path = folder / "run" / "s"
    with serving(tcpeek, path, "-u", "nobody") as server:
        assert path.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        answered_quickly(server)
    assert not path.exists(), "nobody could not remove the socket"


def test_http(tcpeek: str, folder: Path) -> None:
    with serving(tcpeek, folder / "s") as server:
        status, headers, body = server.http("GET", "/metrics?x=1")
        assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
        assert b'tcpeek_sessions_total{filter="RX",result="timeout",cause="no_reply"} 0' in body
        checked = subprocess.run(["promtool", "check", "metrics"], input=body, check=False,
                                 capture_output=True)
        assert checked.returncode == 0 and not checked.stderr, checked.stderr
        assert list(json.loads(server.http("GET", "/stats")[2]))[0] == "version"
        assert server.http("GET", "/healthz")[::2] == (200, b"ok\n")
        status, headers, body = server.http("HEAD", "/healthz")
        assert (status, headers["Content-Length"], body) == (200, "3", b"")
        assert server.http("GET", "/nothing")[0] == 404
        status, headers, _body = server.http("DELETE", "/metrics")
        assert (status, headers["Allow"]) == (405, "GET, HEAD")
        check_keep_alive(server)
        check_hostile_requests(server)
        taken = subprocess.run([tcpeek, "-i", "lo", "-U", "none", f"--http={server.http_port}"],
                               text=True, capture_output=True, timeout=10, check=False)
        assert taken.returncode == 1 and taken.stderr.count("\n") == 1, taken.stderr


def check_keep_alive(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.http_port, timeout=5)
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok\n"
    first = connection.sock
    connection.request("GET", "/healthz")
    assert connection.getresponse().read() == b"ok\n" and connection.sock is first
    connection.close()


def check_hostile_requests(server: Server) -> None:
    requests = {
        b"GET /metrics HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        b"GET /healthz HTTP/1.1\r\n\r\n": (b"HTTP/1.1 4",),
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 5_000 + b"\r\n": (b"HTTP/1.1 4", b""),
        b"\0\1\2\3 rubbish\r\n\r\n": (b"HTTP/1.1 4",),
        b"GET /metrics HTTP/9.9\r\n\r\n": (b"HTTP/1.1 4",),
        b"GET /healthz HTTP/1.1\r\nContent-Length: 100000\r\n\r\n": (b"HTTP/1.1 4",),
    }
    for request, expected in requests.items():
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=5) as client:
            with contextlib.suppress(OSError):
                client.sendall(request)
            answer = b""
            with contextlib.suppress(OSError):
                answer = read_all(client)
        assert answer.startswith(tuple(expected)), (request[:60], answer[:80])
        assert answer.count(b"HTTP/1.1 ") <= 1, answer
    crowd = [socket.create_connection(("127.0.0.1", server.http_port)) for _ in range(200)]
    begin = time.monotonic()
    assert server.http("GET", "/healthz")[0] == 200
    assert time.monotonic() - begin < PATIENCE
    for client in crowd:
        client.close()


TESTS = {name.removeprefix("test_"): function for name, function in list(globals().items())
         if name.startswith("test_")}


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
            except (AssertionError, OSError, ValueError, KeyError) as error:
                failed += 1
                print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{len(arguments.names or TESTS)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
