"""The places where scenes play: how many hosts, how they are wired, where tcpeek watches."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Callable, Iterable

import settings
from lab import Failure, Family, Host, Lab, Skip, run
from traffic import Connection, Flow, Listener, connect, listen
from watch import TIMEOUT, Points, Watch

# Where the last connect of a scene goes.
MARKER_PORT = 9
ANY = "ALL:ANY@*:*"


def kernel_is_older_than(*version: int) -> bool:
    major, minor = re.match(r"(\d+)\.(\d+)", os.uname().release).groups()
    return (int(major), int(minor)) < version


def need_hooks() -> None:
    if kernel_is_older_than(6, 6):
        raise Skip("this kernel has no tcx hooks (Linux 6.6 has)")


def watch(lab: Lab, host: Host, options: list[str], **settings) -> Watch:
    """Starts tcpeek in a host; it is ended with the scene at the latest."""
    started = Watch(host, options, **settings)
    lab.at_end(started.kill)
    return started


def watch_all(lab: Lab, plans: Iterable[tuple[Host, list[str], dict]]) -> list[Watch]:
    """Starts several and waits until each listens."""
    watches = [watch(lab, host, options, **settings) for host, options, settings in plans]
    return [each.until_listening(_listening_lines(each.command)) for each in watches]


def _listening_lines(command: list[str]) -> int:
    """One an interface; `any` swallows all others."""
    return 1 if "any" in command else max(command.count("-i"), 1)


class Pair:
    """A client and a server on one wire."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.client = lab.host("client")
        self.server = lab.host("server")
        lab.link(self.client, "eth0", self.server, "eth0")
        assign(self.client, "eth0", 1, 1)
        assign(self.server, "eth0", 1, 2)
        self.listeners = listen(self.server, 80)
        self.marker_listeners = listen(self.server, MARKER_PORT)
        warm_up(self.client, self.server)

    def connect(self, family: Family, port: int = 80, **options) -> Connection:
        """The client connects to the server; the socket stays open until the scene is over."""
        connection = connect(self.client, self.server.addresses[family], port, **options)
        self.lab.at_end(connection.close)
        return connection

    def marker(self) -> Flow:
        """A success that every watcher sees."""
        return self.connect(Family.V4, MARKER_PORT, wait=5).must_be_open().flow


class Chain:
    """A client, a router and a server.

    client eth0 -- eth0 router eth1 -- eth0 server
    """

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.client = lab.host("client")
        self.router = lab.host("router")
        self.server = lab.host("server")
        lab.link(self.client, "eth0", self.router, "eth0")
        lab.link(self.router, "eth1", self.server, "eth0")
        assign(self.router, "eth0", 1, 1)
        assign(self.router, "eth1", 2, 1)
        assign(self.client, "eth0", 1, 2)
        assign(self.server, "eth0", 2, 2)
        forward(self.router)
        default_route(self.client, 1, 1)
        default_route(self.server, 2, 1)
        self._listeners: list[dict[Family, Listener]] = []
        self.listeners = self.listen(80)
        self.listen(MARKER_PORT)
        warm_up(self.client, self.server)

    def watch(
        self, *options: str, names: Iterable[str] = (), timeout: int = TIMEOUT, marker: bool = True
    ) -> Points:
        """Watchers at every place, or at those that are named."""
        tx, rx, all_ = ("TX",), ("RX",), ("ALL",)
        places = {
            "client": (self.client, ["-i", "eth0"], tx),
            "client any": (self.client, ["-i", "any"], tx),
            "server": (self.server, ["-i", "eth0"], rx),
            "server any": (self.server, ["-i", "any"], rx),
            "router": (self.router, ["-i", "eth0", ANY], all_),
            "router any": (self.router, ["-i", "any", ANY], all_),
        }
        chosen = list(names) or list(places)
        watches = watch_all(
            self.lab,
            [
                (
                    places[name][0],
                    [*places[name][1], *options],
                    {"label": name, "filters": places[name][2], "interface": "eth0",
                     "timeout": timeout},
                )
                for name in chosen
            ],
        )
        return Points(dict(zip(chosen, watches, strict=True)), self.marker if marker else None)

    def listen(self, port: int, **options) -> dict[Family, Listener]:
        """The server listens on its own addresses until the scene is over."""
        self._listeners.append(listen(self.server, port, **options))
        return self._listeners[-1]

    def connect(self, family: Family, port: int = 80, **options) -> Connection:
        """The client connects to the server; the socket stays open until the scene is over."""
        connection = connect(self.client, self.server.addresses[family], port, **options)
        self.lab.at_end(connection.close)
        return connection

    def marker(self) -> Flow:
        return self.connect(Family.V4, MARKER_PORT, wait=5).must_be_open().flow


def warm_up(client: Host, server: Host) -> None:
    """Lets every host on the way learn its neighbours' link addresses.

    Else the first segment waits in a router for an answer, and its copies on both sides of the
    router lie so far apart that they look like a retransmission.
    """
    for address in server.addresses.values():
        connect(client, address, MARKER_PORT, wait=5).must_be_open().reset()


def assign(host: Host, interface: str, network: int, number: int) -> None:
    """Gives an interface 10.0.NETWORK.NUMBER and fd00:NETWORK::NUMBER, the host's main addresses
    if it is the first."""
    addresses = {
        Family.V4: f"10.0.{network}.{number}",
        Family.V6: f"fd00:{network}::{number}",
    }
    host.add_address(interface, addresses[Family.V4], 24)
    host.add_address(interface, addresses[Family.V6], 64)
    for family, address in addresses.items():
        host.addresses.setdefault(family, address)


def default_route(host: Host, network: int, number: int) -> None:
    host.route("0.0.0.0/0", f"10.0.{network}.{number}")
    host.route("::/0", f"fd00:{network}::{number}")


def forward(host: Host) -> None:
    host.sysctl({"net/ipv4/ip_forward": "1", "net/ipv6/conf/all/forwarding": "1"})


def link(host: Host, interface: str) -> dict:
    """What iproute2 tells of an interface."""
    shown = run(["ip", "-n", host.namespace, "-d", "-j", "link", "show", interface])
    return json.loads(shown)[0]


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Waits for something that must become true within `seconds`."""
    deadline = time.monotonic() + seconds * settings.SLOW
    while not true():
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds:g} s: {what}")
        time.sleep(0.01)


def hear_news() -> None:
    """Until tcpeek has heard of an address, which nothing tells. IPv6 has none while a link is down."""
    time.sleep(0.3 * settings.SLOW)


def need(host: Host, *command: str) -> None:
    """Runs a command that some kernels cannot do; then the scene is skipped."""
    done = subprocess.run(host.exec(*command), capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise Skip(f"{' '.join(command)}: {done.stderr.strip()}")


# The state of each packet socket is in the last but third column of /proc/net/packet.
_PACKET_SOCKET = re.compile(r"^\S+ +\d+ +\d+ +[0-9a-f]+ +(\d+) +(\d)", re.MULTILINE)


def running_packet_sockets(host: Host) -> int:
    """How many packet sockets of the host receive."""
    table = run(host.exec("cat", "/proc/net/packet"))
    return sum(match[2] == "1" for match in _PACKET_SOCKET.finditer(table))
