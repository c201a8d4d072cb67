"""The statistics socket with polite and rude clients."""

from __future__ import annotations

import contextlib
import json
import pwd
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from kit import (SLOW, Server, answered_quickly, make_sessions, many_filters, read_all, run_once,
                 serving, successes, wait_for)


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


def test_refresh_read_late(tcpeek: str, folder: Path) -> None:
    """A client that is dropped before it has read its answer has none, whatever it reads later; one
    that has read all but the end has it, and nobody else gets it."""
    with serving(tcpeek, folder / "s") as server:
        make_sessions(3)
        wait_for(lambda: successes(server.json()) == 3, "three successes")
        size = len(server.ask("REFRESH\n"))
        make_sessions(4)
        wait_for(lambda: successes(server.json()) == 7, "four more")
        with server.connect() as late:
            late.sendall(b"REFRESH\n")
            wait_for(lambda: server.json("STATS\n")["clients"]["dropped"]["unread"] == 1, "a drop")
            rest = read_all(late)
        with contextlib.suppress(ValueError):
            raise AssertionError(f"whole, and given back: {json.loads(rest)}")
        with server.connect() as later:
            later.sendall(b"REFRESH\n")
            begun = later.recv(size - 2)
            while len(begun) < size - 2:
                begun += later.recv(size - 2 - len(begun))
            wait_for(lambda: server.json("STATS\n")["clients"]["dropped"]["unread"] == 2, "a drop")
            assert successes(server.json("REFRESH\n")) == 0
            assert successes(json.loads(begun + read_all(later))) == 4
        clients = server.json("STATS\n")["clients"]
        assert (clients["answered"]["refresh"], clients["refreshes_undone"]) == (3, 1), clients


def test_crowd_of_long_answers(tcpeek: str, folder: Path) -> None:
    """It shares a few texts: each tells how many were answered, so two renderings never are equal."""
    with serving(tcpeek, folder / "s", *many_filters(200)) as server:
        whole = len(server.ask("STATS\n"))
        memory = server.resident_kilobytes()
        crowd = [server.connect(30) for _ in range(200)]
        server.json()
        server.process.send_signal(signal.SIGSTOP)
        for client in crowd:
            client.sendall(b"STATS\n")
        server.process.send_signal(signal.SIGCONT)
        answers = [read_all(client) for client in crowd]
        assert all(abs(len(answer) - whole) < 100 for answer in answers)
        assert len(set(answers)) <= 20, f"{len(set(answers))} renderings for 200 callers"
        assert SLOW or server.resident_kilobytes() < memory + 20_000, "each has its own text"
        for client in crowd:
            client.close()


def test_info(tcpeek: str, _folder: Path) -> None:
    told = subprocess.run([tcpeek, "--info"], text=True, capture_output=True, timeout=10,
                          check=True).stdout
    facts = dict(line.split(": ", 1) for line in told.splitlines())
    assert "at /var/run/tcpeek/tcpeek.sock" in facts["statistics socket"], facts
    assert facts["statistics socket"].endswith(" now") and "/metrics" in facts["HTTP"], facts


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
    stale = folder / "stale"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stale))
        listener.listen()
    with serving(tcpeek, stale) as server:
        answered_quickly(server)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(stale))
        kept = run_once(tcpeek, stale)
        assert kept.returncode == 1 and "listens" not in kept.stderr, kept.stderr
        assert stale.is_socket()
    assert run_once(tcpeek, folder / "t", "-i", "lo9").returncode == 1
    assert not (folder / "t").exists()


def test_other_user(tcpeek: str, folder: Path) -> None:
    folder.chmod(0o755)
    path = folder / "run" / "s"
    with serving(tcpeek, path, "-u", "nobody") as server:
        assert path.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        answered_quickly(server)
    assert not path.exists(), "nobody could not remove the socket"
