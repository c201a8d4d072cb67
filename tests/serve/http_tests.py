"""HTTP with polite and hostile clients."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import subprocess
import time
from pathlib import Path

from kit import PATIENCE, Server, read_all, serving


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
        check_forms_of_requests(server)
        check_hostile_requests(server)
        taken = subprocess.run([tcpeek, "-i", "lo", "-U", "none", f"--http={server.http_port}"],
                               text=True, capture_output=True, timeout=10, check=False)
        assert taken.returncode == 1 and taken.stderr.count("\n") == 1, taken.stderr


def request(server: Server, text: bytes, host: str = "127.0.0.1") -> bytes:
    """All that is answered until the server closes."""
    with socket.create_connection((host, server.http_port), timeout=10) as client:
        client.sendall(text)
        return read_all(client)


def check_forms_of_requests(server: Server) -> None:
    close = b"Connection: close\r\n\r\n"
    for text, status in (
            (b"GET http://proxied:80/healthz?x HTTP/1.1\r\nHost: proxied\r\n" + close, 200),
            (b"GET http://proxied HTTP/1.1\r\nHost: proxied\r\n" + close, 404),
            (b"GET /healthz HTTP/1.0\r\n\r\n", 200),
            (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
            (b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
            (b"POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
            (b"GET /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413),
            (b"GET /healthz HTTP/1.1\nHost: a\n\n", 400)):
        answer = request(server, text)
        assert answer.startswith(b"HTTP/1."), (text, answer)
        assert int(answer.split(b" ", 2)[1]) == status, (text, answer)
    asked = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
    pipelined = request(server, 3 * (asked + b"\r\n") + asked + close)
    assert pipelined.count(b"HTTP/1.1 200 OK") == 4, pipelined


def test_http_on_ipv6(tcpeek: str, folder: Path) -> None:
    with serving(tcpeek, folder / "s", http_address="[::1]") as server:
        assert b"\r\n\r\nok\n" in request(server, b"GET /healthz HTTP/1.0\r\n\r\n", "::1")
        taken = subprocess.run([tcpeek, "-i", "lo", "-U", "none",
                                f"--http=[::1]:{server.http_port}"], text=True,
                               capture_output=True, timeout=10, check=False)
        assert taken.returncode == 1 and f"[::1]:{server.http_port}: Address already in use" in \
            taken.stderr, taken.stderr
    for wrong in ("[::1]", "::1:9750", "[::1]9750", "[127.0.0.1]:9750", "localhost:9750", "0",
                  "65536", "[fe80::1%lo]:9750"):
        refused = subprocess.run([tcpeek, "-i", "lo", f"--http={wrong}"], text=True,
                                 capture_output=True, timeout=10, check=False)
        assert refused.returncode == 2 and refused.stderr.count("\n") == 1, refused
    elsewhere = subprocess.run([tcpeek, "-i", "lo", "-U", "none", "--http=192.0.2.77:9750"],
                               text=True, capture_output=True, timeout=10, check=False)
    assert elsewhere.returncode == 1 and "192.0.2.77:9750" in elsewhere.stderr, elsewhere


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
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n": (b"HTTP/1.1 4",),
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
