"""Scenes of offloaded work with -c 2: unfinished checksums and frames of many segments are good, all of them."""

from __future__ import annotations

import socket
import struct
import threading

from lab import FAMILIES, Failure, Host, Lab, Skip
from places import Pair, link, need, watch_all
from registry import scene
from traffic import Listener, connect
from watch import Watch

OCTETS = 12 << 20
OPTIONS = ["-c", "2", "--details", "-B", "64"]
BIG_TCP = 185_000
_NEWLINK, _REQUEST_ACK = 16, 0x5
_GSO_IPV4_MAX_SIZE, _GRO_IPV4_MAX_SIZE = 63, 64


class Largest:
    """The longest frame that passes an interface."""

    def __init__(self, host: Host, interface: str) -> None:
        every_protocol = 3
        with host.inside():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(every_protocol))
            self._socket.bind((interface, every_protocol))
        self._socket.settimeout(0.2)
        self._stopped = threading.Event()
        self.octets = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()
        self._socket.close()

    def _read(self) -> None:
        buffer = bytearray(1)
        while not self._stopped.is_set():
            try:
                self.octets = max(self.octets, self._socket.recv_into(buffer, 1, socket.MSG_TRUNC))
            except TimeoutError:
                pass


def pump(source: socket.socket, target: socket.socket) -> None:
    """Sends OCTETS from one end and takes them at the other."""
    sender = threading.Thread(target=source.sendall, args=(bytes(OCTETS),))
    sender.start()
    left = OCTETS
    while left:
        left -= len(target.recv(1 << 20))
    sender.join()


def transfer(host: Host, listener: Listener, address: str, source: str, *watches: Watch) -> None:
    """A connection with much data both ways, expected as a success."""
    connection = connect(host, address, 80, source=source, wait=5).must_be_open()
    connection.socket.setblocking(True)
    with listener.accept() as accepted:
        accepted.settimeout(20)
        connection.socket.settimeout(20)
        pump(connection.socket, accepted)
        pump(accepted, connection.socket)
        connection.close()
    for each in watches:
        each.expect(connection.flow, "success", "established", "ShA")


def finish(*watches: Watch) -> None:
    """Nothing that passed was taken for damaged."""
    for each in watches:
        each.until_expected()
        each.stop()
        details = each.summaries()[-1]["details"]
        wrong = {name: number for name, number in details.items()
                 if number and (name.startswith(("checksum_", "malformed_")) or name == "packet_cut")}
        if wrong:
            raise Failure(f"{wrong}\n{each.saved()}")
        each.check()


@scene
def on_veth(lab: Lab) -> None:
    """Frames of 64 KB on a veth pair, whose checksums nobody ever finishes."""
    pair = Pair(lab)
    watches = watch_all(lab, [(host, ["-i", name, *OPTIONS], {"filters": (direction,), "interface": "eth0"})
                              for host, direction in ((pair.client, "TX"), (pair.server, "RX"))
                              for name in ("eth0", "any")])
    largest = Largest(pair.server, "eth0")
    for family in FAMILIES:
        transfer(pair.client, pair.listeners[family], pair.server.addresses[family], pair.client.addresses[family],
                 *watches)
    largest.stop()
    if largest.octets < 30_000:
        raise Skip(f"no segmentation offload here: no frame has more than {largest.octets} octets")
    finish(*watches)


@scene
def on_loopback(lab: Lab) -> None:
    """Frames of 64 KB on the loopback interface, with IPv4 and IPv6."""
    host = lab.host("alone")
    both = ("RX", "TX")
    watches = watch_all(lab, [(host, ["-i", name, *OPTIONS], {"filters": both, "interface": "lo"})
                              for name in ("lo", "any")])
    for address in ("127.0.0.1", "::1"):
        listener = Listener(host, address, 80, 16)
        transfer(host, listener, address, address, *watches)
        listener.close()
    finish(*watches)


def allow_big_tcp(host: Host, interface: str) -> None:
    """Frames beyond 64 KB: iproute2 6.1 asks for them over IPv6, rtnetlink by hand for IPv4."""
    try:
        host.ip(f"link set {interface} gso_max_size {BIG_TCP} gro_max_size {BIG_TCP}")
    except RuntimeError as error:  # before Linux 5.19
        raise Skip(f"no BIG TCP on {interface}: {error}") from error
    index = link(host, interface)["ifindex"]
    message = struct.pack("=BxHiII", 0, 0, index, 0, 0)
    for kind in (_GSO_IPV4_MAX_SIZE, _GRO_IPV4_MAX_SIZE):
        message += struct.pack("=HHI", 8, kind, BIG_TCP)
    with host.inside():
        asked = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    with asked:
        asked.send(struct.pack("=IHHII", 16 + len(message), _NEWLINK, _REQUEST_ACK, 1, 0) + message)
        error = struct.unpack_from("=i", asked.recv(4096), 16)[0]
    if error:
        raise Skip(f"no BIG TCP over IPv4 on {interface}: error {-error}")


@scene
def big_tcp(lab: Lab) -> None:
    """BIG TCP: frames of more than 64 KB, whose IP header has no length, and none with -c 2 is bad."""
    pair = Pair(lab)
    for host in (pair.client, pair.server):
        allow_big_tcp(host, "eth0")
    watches = watch_all(lab, [(host, ["-i", name, *OPTIONS], {"filters": (direction,), "interface": "eth0"})
                              for host, direction in ((pair.client, "TX"), (pair.server, "RX"))
                              for name in ("eth0", "any")])
    for family in FAMILIES:
        largest = Largest(pair.server, "eth0")
        transfer(pair.client, pair.listeners[family], pair.server.addresses[family], pair.client.addresses[family],
                 *watches)
        largest.stop()
        if largest.octets <= 65_600:
            raise Skip(f"no BIG TCP here: no IPv{family.value} frame has more than {largest.octets} octets")
    finish(*watches)


@scene
def without_offload(lab: Lab) -> None:
    """Without any offload the kernel's own sums are verified, segment by segment."""
    pair = Pair(lab)
    for host in (pair.client, pair.server):
        need(host, "ethtool", "-K", "eth0", "tx", "off", "sg", "off", "tso", "off", "gso", "off", "gro", "off")
    watches = watch_all(lab, [(pair.server, ["-i", "eth0", *OPTIONS], {"filters": ("RX",), "interface": "eth0"})])
    for family in FAMILIES:
        transfer(pair.client, pair.listeners[family], pair.server.addresses[family], pair.client.addresses[family],
                 *watches)
    finish(*watches)
