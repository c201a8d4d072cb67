"""Two switches with a tagged line between them, played by packet sockets, for kernels without
VLAN devices: what passes the line is what the hosts' real sockets send, with tags."""

from __future__ import annotations

import select
import socket
import struct
import threading
from dataclasses import dataclass

from lab import FAMILIES, Host, Lab
from places import MARKER_PORT, assign, need, warm_up
from traffic import Connection, Flow, Segment, connect, internet_checksum, listen

_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_AUXDATA = struct.Struct("=IIIHHHH")  # struct tpacket_auxdata
_VLAN_VALID = 1 << 4
_TPID_VALID = 1 << 6
_DOT1Q = 0x8100
_DOT1AD = 0x88A8


@dataclass(frozen=True)
class Tag:
    number: int
    tpid: int = _DOT1Q

    def encode(self) -> bytes:
        return struct.pack("!HH", self.tpid, self.number)


class Trunk:
    """client eth0 -- access one line ==tags== line other access -- eth0 server"""

    def __init__(self, lab: Lab, tags: tuple[Tag, ...]) -> None:
        self.lab = lab
        self.client = lab.host("client")
        self.one = lab.host("one")
        self.other = lab.host("other")
        self.server = lab.host("server")
        lab.link(self.client, "eth0", self.one, "access")
        lab.link(self.one, "line", self.other, "line")
        lab.link(self.other, "access", self.server, "eth0")
        assign(self.client, "eth0", 1, 1)
        assign(self.server, "eth0", 1, 2)
        for host in (self.client, self.server):
            # The switches pass frames on as they are, so their checksums must be finished.
            need(host, "ethtool", "-K", "eth0", "tx", "off")
        self.listeners = [listen(self.server, port) for port in (80, MARKER_PORT)]
        for switch in (self.one, self.other):
            lab.at_end(_Switch(switch, tags).stop)
        warm_up(self.client, self.server)

    def connect(self, port: int) -> list[Flow]:
        """One success a family; the sockets stay open until the scene is over."""
        return [
            self._keep(connect(self.client, self.server.addresses[family], port, wait=5)).flow
            for family in FAMILIES
        ]

    def _keep(self, connection: Connection) -> Connection:
        self.lab.at_end(connection.close)
        return connection.must_be_open()


class _Switch:
    """Tags what comes from `access` and sends it on `line`; takes the tags off the other way."""

    def __init__(self, host: Host, tags: tuple[Tag, ...]) -> None:
        self._tags = b"".join(tag.encode() for tag in tags)
        self._access = _packet_socket(host, "access")
        self._line = _packet_socket(host, "line")
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._access.close()
        self._line.close()

    def _run(self) -> None:
        while not self._stopped.is_set():
            for ready in select.select([self._access, self._line], [], [], 0.1)[0]:
                frame = _receive(ready)
                if frame is None:
                    continue
                if ready is self._access:
                    self._line.send(frame[:12] + self._tags + frame[12:])
                elif frame[12:].startswith(self._tags):
                    self._access.send(frame[:12] + frame[12 + len(self._tags) :])


def send_tagged(host: Host, interface: str, tags: tuple[Tag, ...], segment: Segment) -> None:
    """Sends a segment of IPv4 to all, as a frame with tags."""
    data = segment.encode()
    header = struct.pack("!BBHIBBH4s4s", 0x45, 0, 20 + len(data), 0, 64, socket.IPPROTO_TCP, 0,
                         socket.inet_aton(segment.flow.src), socket.inet_aton(segment.flow.dst))
    header = header[:10] + struct.pack("!H", internet_checksum(header)) + header[12:]
    frame = b"\xff" * 6 + b"\x02" + b"\0" * 5 + b"".join(tag.encode() for tag in tags) + b"\x08\0" + header + data
    with host.inside():
        out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    with out:
        out.bind((interface, 0))
        out.send(frame)


def _packet_socket(host: Host, interface: str) -> socket.socket:
    every_protocol = 3
    with host.inside():
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
        sock.bind((interface, every_protocol))
    sock.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
    return sock


def _receive(sock: socket.socket) -> bytes | None:
    """A frame that came in, with the tag that the kernel took off put back."""
    frame, ancillary, _, address = sock.recvmsg(65536, 256)
    if address[2] == socket.PACKET_OUTGOING:
        return None
    for level, kind, data in ancillary:
        if level == _SOL_PACKET and kind == _PACKET_AUXDATA:
            status, _, _, _, _, tci, tpid = _AUXDATA.unpack(data[: _AUXDATA.size])
            if status & _VLAN_VALID:
                tag = Tag(tci, tpid if status & _TPID_VALID else _DOT1Q)
                return frame[:12] + tag.encode() + frame[12:]
    return frame


SINGLE = (Tag(10),)
DOUBLE = (Tag(20, _DOT1AD), Tag(10))
