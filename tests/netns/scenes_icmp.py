"""Scenes of ICMP errors: every kind that a firewall or a routing table sends."""

from __future__ import annotations

import errno

from lab import FAMILIES, Family, Host, Lab
from places import Chain
from registry import scene
from traffic import connect
from watch import Points

# nftables' names, and the type and code on the wire (RFC 792, RFC 1812 5.2.7.1; RFC 4443 3.1).
KINDS = {
    Family.V4: {
        "net-unreachable": (3, 0),
        "host-unreachable": (3, 1),
        "prot-unreachable": (3, 2),
        "port-unreachable": (3, 3),
        "net-prohibited": (3, 9),
        "host-prohibited": (3, 10),
        "admin-prohibited": (3, 13),
    },
    Family.V6: {
        "no-route": (1, 0),
        "admin-prohibited": (1, 1),
        "addr-unreachable": (1, 3),
        "port-unreachable": (1, 4),
        "policy-fail": (1, 5),
        "reject-route": (1, 6),
    },
}
PROTOCOL = {Family.V4: "icmp", Family.V6: "icmpv6"}
FIRST_PORT = 8001


def reject_ports(host: Host, hook: str, family: Family) -> dict[int, tuple[int, int]]:
    """One rejected port for each kind; returns what is sent for it."""
    answers = {}
    for port, (name, kind) in enumerate(KINDS[family].items(), FIRST_PORT):
        host.rule(
            hook,
            f"{family.nft} tcp dport {port} tcp flags & (syn | ack) == syn"
            f" reject with {PROTOCOL[family]} {name}",
        )
        answers[port] = kind
    return answers


def cause(family: Family, kind: tuple[int, int]) -> str:
    return f"{PROTOCOL[family]}_{kind[0]}_{kind[1]}"


def connect_to_all(chain: Chain, family: Family, ports: list[int]) -> dict[int, object]:
    """One connect a port, given up before the kernel repeats its SYN.

    The error may come while the socket is locked by connect(); the kernel then only notes it.
    """
    address = chain.server.addresses[family]
    connections = {port: connect(chain.client, address, port, wait=0) for port in ports}
    for connection in connections.values():
        connection.wait(0.1)
        connection.close()
    return {port: connection.flow for port, connection in connections.items()}


def rejected_by(chain: Chain, host: Host, hook: str, points: Points, reporter: dict) -> None:
    """Connects to every rejected port and expects an unreach with `--icmp`, else a timeout.

    Watchers whose name ends in `blind` don't look at ICMP; the server's see nothing when it is the
    router that rejects.
    """
    reached = [name for name in points.watches if hook == "input" or "server" not in name]
    for family in FAMILIES:
        answers = reject_ports(host, hook, family)
        for port, flow in connect_to_all(chain, family, list(answers)).items():
            kind = answers[port]
            points.expect(
                flow, "unreach", cause(family, kind), "Si",
                icmp=(*kind, reporter[family]),
                at=[name for name in reached if not name.endswith("blind")],
            )
            points.expect(
                flow, "timeout", "no_reply", "S",
                at=[name for name in reached if name.endswith("blind")],
            )
    points.finish()


def watch_seeing_and_blind(chain: Chain) -> Points:
    """A watcher with `--icmp` and one without at the client, the router and the server."""
    names = ["client", "router any", "server"]
    seeing = chain.watch("--icmp", names=names)
    blind = chain.watch(names=names)
    return Points(
        {**seeing.watches, **{f"{name} blind": watch for name, watch in blind.watches.items()}},
        chain.marker,
    )


@scene
def rejected_by_server(lab: Lab) -> None:
    """Each ICMP error that nftables on the server can send; without --icmp a timeout."""
    chain = Chain(lab)
    points = watch_seeing_and_blind(chain)
    rejected_by(chain, chain.server, "input", points, chain.server.addresses)


@scene
def rejected_by_router(lab: Lab) -> None:
    """Each ICMP error that nftables on a router can send; the server sees nothing."""
    chain = Chain(lab)
    points = watch_seeing_and_blind(chain)
    rejected_by(chain, chain.router, "forward", points, chain.router.addresses)


@scene
def tcp_reset(lab: Lab) -> None:
    """`reject with tcp reset` is a refusal, with --icmp and without."""
    chain = Chain(lab)
    chain.server.rule("input", "tcp dport 81 reject with tcp reset")
    points = watch_seeing_and_blind(chain)
    for family in FAMILIES:
        flow = chain.connect(family, 81).must_fail(errno.ECONNREFUSED).flow
        points.expect(flow, "reject", "refused", "Sr")
    points.finish()


@scene
def routes(lab: Lab) -> None:
    """A router without a way: unreachable, prohibited, or silent (blackhole)."""
    chain = Chain(lab)
    networks = {Family.V4: "10.0.9.", Family.V6: "fd00:9::"}
    kinds = {
        "unreachable": {Family.V4: (3, 1), Family.V6: (1, 0)},
        "prohibit": {Family.V4: (3, 13), Family.V6: (1, 1)},
        "blackhole": None,
    }
    points = chain.watch("--icmp", names=["client", "client any", "router", "router any"])
    for family in FAMILIES:
        for number, (kind, answer) in enumerate(kinds.items(), 1):
            target = f"{networks[family]}{number}"
            length = 128 if family is Family.V6 else 32
            chain.router.ip(f"route add {kind} {target}/{length}")
            connection = connect(chain.client, target, 80, wait=0.1)
            connection.close()
            if answer is None:
                points.expect(connection.flow, "timeout", "no_reply", "S")
            else:
                points.expect(
                    connection.flow, "unreach", cause(family, answer[family]), "Si",
                    icmp=(*answer[family], chain.router.addresses[family]),
                )
    points.finish()


@scene
def after_synack(lab: Lab) -> None:
    """An ICMP error once the SYN/ACK is there makes no verdict; it is evidence of the timeout."""
    chain = Chain(lab)
    chain.server.sysctl({"net/ipv4/tcp_synack_retries": "1"})
    points = chain.watch("--icmp", names=["server", "server any"])
    for family in FAMILIES:
        kind = KINDS[family]["admin-prohibited"]
        chain.router.rule(
            "forward",
            f"{family.nft} tcp sport 80 tcp flags & (syn | ack) == syn | ack"
            f" reject with {PROTOCOL[family]} admin-prohibited",
        )
        # Repeated SYNs would make the number of SYN/ACKs a matter of luck.
        chain.client.rule(
            "output",
            f"{family.nft} tcp dport 80 tcp flags & (syn | ack) == syn numgen inc mod 99 > 0 drop",
        )
        connection = connect(chain.client, chain.server.addresses[family], 80, wait=0.5)
        connection.close()
        # As seen from the server: its SYN/ACK comes back in an error. Linux then forgets the
        # half-open connection with ICMPv6 admin-prohibited (fatal), not with ICMP's.
        if family is Family.V4:
            seen = {"history": "Shihi", "dup_synack": 1, "icmp": (*kind, "10.0.2.1")}
        else:
            seen = {"history": "Shi", "icmp": (*kind, "fd00:2::1")}
        points.expect(connection.flow, "timeout", "no_ack", **seen)
    points.finish()
