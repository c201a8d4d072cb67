"""Real sockets in the hosts: listeners, connects, and segments that no socket would send."""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from dataclasses import dataclass

from lab import Failure, Family, Host, family_of


@dataclass(frozen=True)
class Flow:
    """The endpoints of an attempt, the client's first."""

    src: str
    sport: int
    dst: str
    dport: int

    def __str__(self) -> str:
        return f"{self.src} {self.sport} -> {self.dst} {self.dport}"


class Connection:
    """A client's socket and what became of its connect."""

    def __init__(self, sock: socket.socket, flow: Flow) -> None:
        self.socket = sock
        self.flow = flow
        # None while it is under way, 0 when it is open, else the errno.
        self.error: int | None = None

    def wait(self, seconds: float) -> Connection:
        """Waits until the connect has an outcome, at most `seconds`."""
        if self.error is None and select.select([], [self.socket], [], seconds)[1]:
            self.error = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return self

    def must_be_open(self) -> Connection:
        if self.error != 0:
            raise Failure(f"the connect {self.flow} should have succeeded: {self._told()}")
        return self

    def must_fail(self, number: int) -> Connection:
        if self.error != number:
            raise Failure(f"{self.flow} should have failed with {os.strerror(number)}: "
                          f"{self._told()}")
        self.close()
        return self

    def must_hang(self) -> Connection:
        """The connect has no outcome yet; the client gives up."""
        if self.error is not None:
            raise Failure(f"nobody should have answered {self.flow}: {self._told()}")
        self.close()
        return self

    def close(self) -> None:
        self.socket.close()

    def reset(self) -> None:
        reset(self.socket)

    def _told(self) -> str:
        return "no answer yet" if self.error is None else os.strerror(self.error)


def reset(sock: socket.socket) -> None:
    """Closes with an RST at once."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def open_socket(host: Host, family: Family, source: str, port: int = 0) -> Connection:
    """A client's socket bound to a source address; `start` connects it."""
    with host.inside():
        sock = socket.socket(family.af, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.bind((source, port))
    return Connection(sock, Flow(source, sock.getsockname()[1], "", 0))


def start(connection: Connection, address: str, port: int) -> Connection:
    connection.flow = Flow(connection.flow.src, connection.flow.sport, address, port)
    code = connection.socket.connect_ex((address, port))
    if code not in (0, errno.EINPROGRESS):
        connection.error = code
    return connection


def connect(
    host: Host, address: str, port: int, *, source: str | None = None, wait: float = 0.5
) -> Connection:
    """Connects; returns when the outcome is known or `wait` seconds have passed.

    The kernel repeats a SYN after 1 s, so with the usual `wait` a connect that nobody answers has
    sent exactly one when the client gives up.
    """
    family = family_of(address)
    connection = open_socket(host, family, source or host.addresses[family])
    return start(connection, address, port).wait(wait)


class Listener:
    """A listening socket; the kernel completes the handshakes, `accept` takes a connection."""

    def __init__(self, host: Host, address: str, port: int, backlog: int) -> None:
        with host.inside():
            self.socket = socket.socket(family_of(address).af, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((address, port))
        self.socket.listen(backlog)
        self.socket.settimeout(5)

    def accept(self) -> socket.socket:
        return self.socket.accept()[0]

    def close(self) -> None:
        self.socket.close()


def listen(host: Host, port: int, *, backlog: int = 512) -> dict[Family, Listener]:
    """Listeners on the host's own addresses, one a family."""
    return {
        family: Listener(host, address, port, backlog) for family, address in host.addresses.items()
    }


# --- segments by hand -------------------------------------------------------------------------

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


@dataclass(frozen=True)
class Segment:
    """A TCP segment from a flow's client; `reply` turns it round."""

    flow: Flow
    flags: int
    seq: int
    ack: int = 0
    payload: bytes = b""
    bad_checksum: bool = False

    def encode(self) -> bytes:
        """The TCP header with its checksum, and the payload."""
        header = struct.pack(
            "!HHIIBBHHH", self.flow.sport, self.flow.dport, self.seq & 0xFFFFFFFF,
            self.ack & 0xFFFFFFFF, 5 << 4, self.flags, 65535, 0, 0,
        )
        segment = header + self.payload
        family = family_of(self.flow.src)
        source, destination = (
            socket.inet_pton(family.af, text) for text in (self.flow.src, self.flow.dst)
        )
        checksum = internet_checksum(
            source + destination + struct.pack("!II", len(segment), socket.IPPROTO_TCP) + segment
        )
        if self.bad_checksum:
            checksum ^= 0x5555
        return segment[:16] + struct.pack("!H", checksum) + segment[18:]


def internet_checksum(data: bytes) -> int:
    """RFC 1071."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def reverse(flow: Flow) -> Flow:
    return Flow(flow.dst, flow.dport, flow.src, flow.sport)


def inject(host: Host, segment: Segment) -> None:
    """Sends a segment from a host through its routing; the kernel adds the IP header."""
    family = family_of(segment.flow.src)
    with host.inside():
        sock = socket.socket(family.af, socket.SOCK_RAW, socket.IPPROTO_TCP)
    with sock:
        sock.bind((segment.flow.src, 0))
        sock.sendto(segment.encode(), (segment.flow.dst, 0))


class Sniffer:
    """Reads the TCP segments of one family that arrive at a host, before nftables sees them."""

    def __init__(self, host: Host, interface: str, family: Family) -> None:
        self._family = family
        protocol = 0x0800 if family is Family.V4 else 0x86DD
        with host.inside():
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(protocol)
            )
            self._socket.bind((interface, protocol))
        self._socket.settimeout(0.5)

    def close(self) -> None:
        self._socket.close()

    def next(self, flow: Flow, flags: int, timeout: float = 5) -> tuple[int, int]:
        """Waits for a segment of the flow, sent by its client, with these flags: seq and ack."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            try:
                packet = self._socket.recv(65536)
            except TimeoutError:
                continue
            segment = packet[(packet[0] & 15) * 4 :] if self._family is Family.V4 else packet[40:]
            sport, dport, seq, ack, _, seen = struct.unpack_from("!HHIIBB", segment)
            if (sport, dport) == (flow.sport, flow.dport) and seen & 0x17 == flags:
                return seq, ack
        raise Failure(f"{flow}: no segment with flags {flags:#x} within {timeout} s")
