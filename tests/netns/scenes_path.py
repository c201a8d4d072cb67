"""Scenes of odd paths: one direction only, translated, redirected, addresses of service."""

from __future__ import annotations

import errno
import time

from lab import FAMILIES, Family, Host, Lab
from places import ANY, Chain, assign, default_route, forward, watch_all
from registry import scene
from traffic import Flow, Listener, connect, listen
from watch import Points


LOOPBACK = {Family.V4: "127.0.0.1", Family.V6: "::1"}


class TwoRouters:
    """What the client sends goes through `out`, what the server answers through `back`.

    client eth0 -- eth0 out eth1 -- eth0 server eth1 -- eth1 back eth0 -- eth1 client
    """

    def __init__(self, lab: Lab) -> None:
        self.client = lab.host("client")
        self.out = lab.host("out")
        self.back = lab.host("back")
        self.server = lab.host("server")
        lab.link(self.client, "eth0", self.out, "eth0")
        lab.link(self.out, "eth1", self.server, "eth0")
        lab.link(self.server, "eth1", self.back, "eth1")
        lab.link(self.back, "eth0", self.client, "eth1")
        assign(self.client, "eth0", 1, 2)
        assign(self.client, "eth1", 4, 2)
        assign(self.out, "eth0", 1, 1)
        assign(self.out, "eth1", 2, 1)
        assign(self.server, "eth0", 2, 2)
        assign(self.server, "eth1", 3, 2)
        assign(self.back, "eth1", 3, 1)
        assign(self.back, "eth0", 4, 1)
        for router in (self.out, self.back):
            forward(router)
        default_route(self.client, 1, 1)
        default_route(self.server, 3, 1)
        # The way back to the client's main address is beyond its second interface.
        self.back.route("10.0.1.0/24", "10.0.4.2")
        self.back.route("fd00:1::/64", "fd00:4::2")
        self.listeners = listen(self.server, 80)


@scene
def one_direction(lab: Lab) -> None:
    """Two routers, one a direction: the one that sees only the client says unjudged."""
    place = TwoRouters(lab)
    all_ = {"filters": ("ALL",)}
    watches = watch_all(
        lab,
        [
            (place.client, ["-i", "any"], {"filters": ("TX",), "interface": "eth0"}),
            (place.client, ["-i", "eth0"], {"filters": ("TX",), "interface": "eth0"}),
            (place.client, ["-i", "eth0", "-i", "eth1"],
             {"filters": ("TX",), "interface": "eth0"}),
            (place.server, ["-i", "any"], {"filters": ("RX",), "interface": "eth0"}),
            (place.out, ["-i", "any", ANY], {**all_, "interface": "eth0"}),
            (place.back, ["-i", "any", ANY], {**all_, "interface": "eth1"}),
        ],
    )
    names = ["client any", "client out", "client both", "server", "out", "back"]
    points = Points(dict(zip(names, watches, strict=True)))
    for family in FAMILIES:
        connection = connect(place.client, place.server.addresses[family], 80, wait=5)
        lab.at_end(connection.close)
        flow = connection.must_be_open().flow
        points.expect(flow, "success", "established", "ShA",
                      at=["client any", "client both", "server"])
        points.expect(flow, "unjudged", "one_way", "SA", at=["client out", "out"])
    points.finish()


@scene
def redirect_on_client(lab: Lab) -> None:
    """nftables redirects a connect to the client itself: unjudged on lo, nothing leaves.

    On lo the client's segments carry the redirected destination, the answers the original source:
    they never make one session, so the only true verdict is none. Other connects are not touched.
    """
    chain = Chain(lab)
    for family, address in LOOPBACK.items():
        lab.at_end(Listener(chain.client, address, 3128, 16).close)
        chain.client.nft(
            f"table {'ip' if family is Family.V4 else 'ip6'} redirected {{\n"
            " chain output { type nat hook output priority -100;\n"
            "  tcp dport 81 redirect to :3128\n }\n}\n"
        )
    points = chain.watch(names=["client", "client any", "router any", "server"])
    [lo] = watch_all(lab, [(chain.client, ["-i", "lo"], {"interface": "lo"})])
    for family in FAMILIES:
        seen = chain.connect(family, 81).must_be_open().flow
        redirected = Flow(seen.src, seen.sport, LOOPBACK[family], 3128)
        for each in (lo, points["client any"]):
            each.expect(redirected, "unjudged", "one_way", "SA",
                        filters=("RX", "TX"), interface="lo")
    lo.until_expected()
    points.finish()
    lo.stop()
    lo.check()


def translate(host: Host, family: Family, rules: str) -> None:
    host.nft(f"table {'ip' if family is Family.V4 else 'ip6'} translated {{\n{rules}}}\n")


@scene
def translated_by_router(lab: Lab) -> None:
    """A router translates source and destination: each leg is a session of its own."""
    chain = Chain(lab)
    for family in FAMILIES:
        chain.router.add_address("eth0", "10.0.1.80" if family is Family.V4 else "fd00:1::80")
        word = "ip" if family is Family.V4 else "ip6"
        server = chain.server.addresses[family]
        to = f"{server}:80" if family is Family.V4 else f"[{server}]:80"
        translate(
            chain.router, family,
            " chain before { type nat hook prerouting priority -100;\n"
            f"  {word} daddr {'10.0.1.80' if family is Family.V4 else 'fd00:1::80'}"
            f" tcp dport 443 dnat to {to}\n }}\n"
            " chain after { type nat hook postrouting priority 100;\n"
            "  oifname eth1 tcp dport 80 masquerade\n }\n",
        )
    points = chain.watch(names=["client", "router", "router any", "server"], marker=False)
    for family in FAMILIES:
        service = "10.0.1.80" if family is Family.V4 else "fd00:1::80"
        connection = connect(chain.client, service, 443, wait=2).must_be_open()
        lab.at_end(connection.close)
        served = chain.listeners[family].socket.accept()
        lab.at_end(served[0].close)
        outer = connection.flow
        inner = Flow(*served[1][:2], chain.server.addresses[family], 80)
        points.expect(outer, "success", "established", "ShA", at=["client"])
        points.expect(inner, "success", "established", "ShA", at=["server"])
        # The outer leg ends at an address of the router, the inner begins at one.
        for name in ("router", "router any"):
            points[name].expect(outer, "success", "established", "ShA", filters=("RX", "ALL"))
        points["router any"].expect(inner, "success", "established", "ShA",
                                    filters=("TX", "ALL"), interface="eth1")
    points.finish()


@scene
def service_address_on_lo(lab: Lab) -> None:
    """An address of service that sits on the server's lo is local: RX, though lo sees nothing."""
    chain = Chain(lab)
    services = {Family.V4: "10.0.99.1", Family.V6: "fd00:99::1"}
    listeners = []
    for family, address in services.items():
        chain.server.add_address("lo", address)
        chain.router.route(address, "10.0.2.2" if family is Family.V4 else "fd00:2::2")
        listeners.append(Listener(chain.server, address, 80, 16))
        lab.at_end(listeners[-1].close)
    points = chain.watch()
    [lo] = watch_all(lab, [(chain.server, ["-i", "lo"], {"filters": ("RX",)})])
    for address in services.values():
        connection = connect(chain.client, address, 80, wait=2).must_be_open()
        lab.at_end(connection.close)
        points.expect(connection.flow, "success", "established", "ShA")
    points.finish()
    lo.stop()
    lo.check()


@scene
def addresses_change(lab: Lab) -> None:
    """Addresses that come and go while tcpeek runs: a session is RX while its address is local."""
    chain = Chain(lab)
    added = {Family.V4: "10.0.2.77", Family.V6: "fd00:2::77"}
    # The router knows the way all the time; without the address the server drops what comes.
    for address in added.values():
        chain.router.route(address, "10.0.2.2" if ":" not in address else "fd00:2::2")
    points = chain.watch(names=["server", "server any", "router"])

    def refused_at(address: str) -> None:
        connection = connect(chain.client, address, 4444).must_fail(errno.ECONNREFUSED)
        points.expect(connection.flow, "reject", "refused", "Sr")

    def unanswered_at(address: str) -> None:
        connection = connect(chain.client, address, 4444).must_hang()
        points.expect(connection.flow, "timeout", "no_reply", "S", at=["router"])

    for address in added.values():
        unanswered_at(address)
    for address in added.values():
        chain.server.add_address("eth0", address)
    # tcpeek follows at its own pace; a tenth of this was always enough.
    time.sleep(0.3)
    for address in added.values():
        refused_at(address)
    points["server"].until_expected()
    points["server any"].until_expected()
    for address in added.values():
        chain.server.ip(f"address del {address}/{128 if ':' in address else 32} dev eth0")
    time.sleep(0.3)
    for address in added.values():
        unanswered_at(address)
    points.finish()
