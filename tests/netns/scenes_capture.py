"""Scenes of sources: loopback, `any`, several interfaces, mirrors, bridges, VLANs, checksums."""

from __future__ import annotations

import socket

from lab import FAMILIES, Failure, Family, Host, Lab, Skip
from places import ANY, MARKER_PORT, Chain, Pair, assign, hear_news, link, need, until, warm_up, watch_all
from registry import scene
from traffic import (
    ACK,
    SYN,
    Flow,
    Listener,
    Segment,
    connect,
    inject,
    listen,
    open_socket,
    reverse,
    start,
)
from trunk import DOUBLE, SINGLE, Tag, Trunk, send_tagged
from watch import Points

PURE_SYN = "tcp flags & (syn | ack) == syn"


@scene
def loopback(lab: Lab) -> None:
    """On lo both ends are local, RX and TX; also between a host's own addresses, and to itself."""
    host = lab.host("host")
    lab.link(host, "eth0", lab.host("other"), "eth0")
    assign(host, "eth0", 1, 1)
    addresses = ["127.0.0.1", "::1", *host.addresses.values()]
    listeners = [Listener(host, address, 80, 16) for address in addresses]
    both = {"filters": ("RX", "TX"), "interface": "lo"}
    watches = watch_all(lab, [(host, ["-i", "lo"], both), (host, ["-i", "any"], both)])
    [eth0] = watch_all(lab, [(host, ["-i", "eth0"], {})])
    points = Points(dict(zip(["lo", "any"], watches, strict=True)))
    for address, listener in zip(addresses, listeners, strict=True):
        connection = connect(host, address, 80, source=address).must_be_open()
        lab.at_end(connection.close)
        lab.at_end(listener.close)
        points.expect(connection.flow, "success", "established", "ShA")
        refused = connect(host, address, 81, source=address)
        refused.close()
        points.expect(refused.flow, "reject", "refused", "Sr")
    for family, address in ((Family.V4, "127.0.0.1"), (Family.V6, "::1")):
        alone = open_socket(host, family, address, 4001)
        lab.at_end(alone.close)
        start(alone, address, 4001).wait(1).must_be_open()
        points.expect(alone.flow, "success", "simultaneous_open", None)
    points.finish()
    eth0.stop()
    eth0.check()


@scene
def both_sides_of_router(lab: Lab) -> None:
    """A router on both its interfaces sees all twice: one session each, true retransmissions."""
    chain = Chain(lab)
    settings = {"filters": ("ALL",), "interface": "eth0"}
    watches = watch_all(
        lab,
        [
            (chain.router, ["-i", "eth0", "-i", "eth1", ANY], settings),
            (chain.router, ["-i", "eth1", "-i", "eth0", ANY], settings),
            (chain.router, ["-i", "any", ANY], settings),
            (chain.router, ["-i", "any", "-i", "eth1", ANY], settings),
        ],
    )
    points = Points(dict(zip(["01", "10", "any", "any and one"], watches, strict=True)),
                    chain.marker)
    for family in FAMILIES:
        chain.server.rule(
            "input", f"{family.nft} tcp dport 80 {PURE_SYN} numgen inc mod 99 < 1 drop"
        )
    connections = [chain.connect(family, wait=0) for family in FAMILIES]
    for family in FAMILIES:
        points.expect(chain.connect(family, 81).flow, "reject", "refused", "Sr")
    for connection in connections:
        flow = connection.wait(3).must_be_open().flow
        points.expect(flow, "success", "established", "SShA", dup_syn=1)
    points.finish()


@scene
def interface_appears(lab: Lab) -> None:
    """With `any`, an interface that appears while tcpeek runs is watched, and so named."""
    pair = Pair(lab)
    [everywhere] = watch_all(
        lab, [(pair.server, ["-i", "any"], {"filters": ("RX",), "interface": "eth0"})]
    )
    for family in FAMILIES:
        flow = pair.connect(family).must_be_open().flow
        everywhere.expect(flow, "success", "established", "ShA")
    lab.link(pair.client, "eth7", pair.server, "eth7")
    pair.client.add_address("eth7", "10.0.7.1", 24)
    pair.server.add_address("eth7", "10.0.7.2", 24)
    everywhere.until_expected()
    hear_news()
    listener = Listener(pair.server, "10.0.7.2", 80, 16)
    lab.at_end(listener.close)
    connection = connect(pair.client, "10.0.7.2", 80, source="10.0.7.1", wait=2).must_be_open()
    lab.at_end(connection.close)
    everywhere.expect(connection.flow, "success", "established", "ShA", interface="eth7")
    Points({"any": everywhere}, pair.marker).finish()


def promiscuity(host: Host, interface: str) -> int:
    return link(host, interface)["promiscuity"]


@scene
def mirror_port(lab: Lab) -> None:
    """An interface without any address gets a mirror of a router's: ANY, or --local for RX, TX."""
    chain = Chain(lab)
    monitor = lab.host("monitor")
    lab.link(chain.router, "mirror", monitor, "eth0")
    try:
        chain.router.nft(
            "table netdev mirror {\n"
            " chain in {\n  type filter hook ingress device eth0 priority 0\n  dup to mirror\n }\n"
            " chain out {\n  type filter hook egress device eth0 priority 0\n  dup to mirror\n }\n"
            "}\n"
        )
    except RuntimeError as error:
        raise Skip(f"no mirror by nftables: {error}") from error
    [any_] = watch_all(
        lab, [(monitor, ["-i", "eth0", ANY], {"filters": ("ALL",), "interface": "eth0"})]
    )
    if promiscuity(monitor, "eth0") != 0:
        raise Failure("the interface is promiscuous without --promisc")
    watches = watch_all(
        lab,
        [
            (monitor, ["-i", "eth0", "--promisc", f"--local={local}"],
             {"filters": (name,), "interface": "eth0"})
            for name, local in (
                ("RX", "10.0.2.2,fd00:2::2"), ("TX", "10.0.1.0/24,fd00:1::/64")
            )
        ],
    )
    if promiscuity(monitor, "eth0") != 2:
        raise Failure("the interface is not promiscuous with --promisc")
    points = Points({"ANY": any_, "RX": watches[0], "TX": watches[1]}, chain.marker)
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        points.expect(flow, "success", "established", "ShA")
        points.expect(chain.connect(family, 81).flow, "reject", "refused", "Sr")
    points.finish()


@scene
def bridge(lab: Lab) -> None:
    """A bridge and its ports, none with an address: one session, however many copies are seen."""
    client, switch, server = (lab.host(label) for label in ("client", "switch", "server"))
    lab.link(client, "eth0", switch, "port1")
    lab.link(server, "eth0", switch, "port2")
    need(switch, "ip", "link", "add", "bridge", "type", "bridge")
    switch.ip("link set port1 master bridge", "link set port2 master bridge", "link set bridge up")
    assign(client, "eth0", 1, 1)
    assign(server, "eth0", 1, 2)
    listeners = [listen(server, port) for port in (80, MARKER_PORT)]
    lab.at_end(listeners.clear)
    warm_up(client, server)
    plans = {
        "port1": ["-i", "port1"],
        "port2": ["-i", "port2"],
        "ports": ["-i", "port2", "-i", "port1"],
        "any": ["-i", "any"],
    }
    watches = watch_all(
        lab,
        [
            (switch, [*options, ANY],
             {"filters": ("ALL",), "interface": "port2" if name == "port2" else "port1"})
            for name, options in plans.items()
        ],
    )
    # The bridge itself sees what passes it only when it is promiscuous; then `any` sees three.
    [whole] = watch_all(
        lab,
        [(switch, ["-i", "bridge", "--promisc", ANY],
          {"filters": ("ALL",), "interface": "bridge"})],
    )
    points = Points({**dict(zip(plans, watches, strict=True)), "bridge": whole})

    def play(port: int, result: str, cause: str, history: str) -> None:
        for family in FAMILIES:
            connection = connect(client, server.addresses[family], port, wait=2)
            lab.at_end(connection.close)
            points.expect(connection.flow, result, cause, history)

    play(80, "success", "established", "ShA")
    play(81, "reject", "refused", "Sr")
    play(MARKER_PORT, "success", "established", "ShA")
    points.finish()


def play_on_line(lab: Lab, tags: tuple[Tag, ...]) -> None:
    trunk = Trunk(lab, tags)
    plans = [
        (host, ["-i", "line", ANY], {"filters": ("ALL",), "interface": "line"})
        for host in (trunk.one, trunk.other)
    ]
    points = Points(dict(zip(["one", "other"], watch_all(lab, plans), strict=True)))
    numbers = tuple(tag.number for tag in tags)
    for port in (80, MARKER_PORT):
        for flow in trunk.connect(port):
            points.expect(flow, "success", "established", "ShA", vlan=numbers)
    points.finish()


@scene
def vlan_tag(lab: Lab) -> None:
    """A line with 802.1Q tags between two switches: the record names the VLAN."""
    play_on_line(lab, SINGLE)


@scene
def vlan_tags(lab: Lab) -> None:
    """A line with an 802.1ad and an 802.1Q tag: the record names both VLANs, outermost first."""
    play_on_line(lab, DOUBLE)


@scene
def vlan_tags_any(lab: Lab) -> None:
    """The same with -i any, where the kernel keeps the outermost tag beside the packet."""
    one, other = lab.host("one"), lab.host("other")
    lab.link(one, "line", other, "line")
    [each] = watch_all(lab, [(other, ["-i", "any", ANY], {"filters": ("ALL",), "interface": "line"})])
    for port, tags in enumerate((SINGLE, DOUBLE, (), SINGLE), 4001):
        flow = Flow("10.0.5.1", port, "10.0.5.2", 80)
        for segment in (Segment(flow, SYN, 100), Segment(reverse(flow), SYN | ACK, 900, 101),
                        Segment(flow, ACK, 101, 901)):
            send_tagged(one, "line", tags, segment)
        each.expect(flow, "success", "established", "ShA", vlan=tuple(tag.number for tag in tags))
    each.until_expected()
    each.stop()
    each.check()


@scene
def vrf(lab: Lab) -> None:
    """The packets of a VRF pass no hook: its connections are judged all the same."""
    pair = Pair(lab)
    need(pair.server, "ip", "link", "add", "vrf0", "type", "vrf", "table", "10")
    pair.server.ip("link set vrf0 up", "link set eth0 master vrf0")
    with pair.server.inside():
        listener = socket.create_server(("", 8080))
    lab.at_end(listener.close)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vrf0")
    [watch] = watch_all(lab, [(pair.server, ["-i", "vrf0"], {"filters": ("RX",), "interface": "vrf0"})])
    flow = pair.connect(Family.V4, 8080, wait=5).must_be_open().flow
    watch.expect(flow, "success", "established", "ShA")
    watch.until_expected()
    watch.stop()
    watch.check()


@scene
def vlan_interfaces(lab: Lab) -> None:
    """VLAN sub-interfaces: the tag is seen on the parent, not on the sub-interface."""
    client, server = lab.host("client"), lab.host("server")
    lab.link(client, "eth0", server, "eth0")
    for number, host in enumerate((client, server), 1):
        need(host, "ip", "link", "add", "link", "eth0", "name", "eth0.10",
             "type", "vlan", "id", "10")
        host.ip("link set eth0.10 up")
        assign(host, "eth0.10", 1, number)
    listeners = [listen(server, port) for port in (80, MARKER_PORT)]
    lab.at_end(listeners.clear)
    warm_up(client, server)
    watches = watch_all(
        lab,
        [
            (host, ["-i", interface], {"filters": (name,), "interface": interface})
            for host, name in ((client, "TX"), (server, "RX"))
            for interface in ("eth0", "eth0.10")
        ],
    )
    for port in (80, MARKER_PORT):
        for family in FAMILIES:
            connection = connect(client, server.addresses[family], port, wait=5).must_be_open()
            lab.at_end(connection.close)
            for each in watches:
                vlan = (10,) if each.interface == "eth0" else ()
                each.expect(connection.flow, "success", "established", "ShA", vlan=vlan)
    Points({each.label: each for each in watches}).finish()


@scene
def default_interface(lab: Lab) -> None:
    """Without -i the first interface that is up, runs and is no loopback is taken."""
    client, server = lab.host("client"), lab.host("server")
    for name in ("down0", "idle0", "eth0"):
        lab.link(client, name, server, name)
    client.ip("link set down0 down")
    server.ip("link set idle0 down")
    # The client's end is up, but has no carrier; the kernel tells that with a delay of up to 1 s.
    until(lambda: link(client, "idle0")["operstate"] == "DOWN", 5, "idle0 lost its carrier")
    assign(client, "eth0", 1, 1)
    assign(server, "eth0", 1, 2)
    listeners = listen(server, 80)
    lab.at_end(listeners.clear)
    [default] = watch_all(lab, [(client, [], {"filters": ("TX",), "interface": "eth0"})])
    for family in FAMILIES:
        connection = connect(client, server.addresses[family], 80, wait=5).must_be_open()
        lab.at_end(connection.close)
        default.expect(connection.flow, "success", "established", "ShA")
    Points({"default": default}).finish()


@scene
def checksums(lab: Lab) -> None:
    """-c: offloaded checksums are good in every mode; a wrong one is dropped with -c 2 only."""
    chain = Chain(lab)
    watches = {}
    for mode in ("0", "1", "2"):
        points = chain.watch("-c", mode, names=["client", "router any", "server"])
        for name, each in points.watches.items():
            watches[f"{name} -c {mode}"] = each
    points = Points(watches, chain.marker)
    for family in FAMILIES:
        connection = chain.connect(family).must_be_open()
        points.expect(connection.flow, "success", "established", "ShA")
        flow = Flow(chain.client.addresses[family], 4001, chain.server.addresses[family], 80)
        inject(chain.client, Segment(flow, SYN, 1_000, bad_checksum=True))
        points.expect(flow, "timeout", "no_reply", "S",
                      at=[name for name in watches if not name.endswith("2")])
    points.finish()
