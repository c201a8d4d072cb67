"""Scenes of lost segments: what is seen depends on the side of the loss."""

from __future__ import annotations

import time

from lab import FAMILIES, Family, Host, Lab
from places import Chain
from registry import scene
from watch import Points

PURE_SYN = "tcp flags & (syn | ack) == syn"
SYNACK = "tcp flags & (syn | ack) == syn | ack"
BARE_ACK = "tcp flags & (syn | ack | psh | fin | rst) == ack"
FIRST = "numgen inc mod 99 < 1"
BUT_FIRST = "numgen inc mod 99 > 0"

SERVER_SIDE = ["server", "server any"]
CLIENT_SIDE = ["client", "client any", "router", "router any"]


def drop(host: Host, hook: str, family: Family, *conditions: str) -> None:
    host.rule(hook, f"{family.nft} {' '.join(conditions)} drop")


def no_repeated_syn(chain: Chain, family: Family) -> None:
    """The client's SYN goes out once: its repetition would race with the server's SYN/ACK."""
    drop(chain.client, "output", family, "tcp dport 80", PURE_SYN, BUT_FIRST)


def play_lost_syn(chain: Chain, points: Points, once: list[str]) -> None:
    connections = [chain.connect(family, wait=0) for family in FAMILIES]
    for connection in connections:
        flow = connection.wait(3).must_be_open().flow
        twice = points.all_but(*once)
        points.expect(flow, "success", "established", "SShA", dup_syn=1, at=twice)
        points.expect(flow, "success", "established", "ShA", at=once)
    points.finish()


@scene
def syn_before_server(lab: Lab) -> None:
    """The server's firewall drops the first SYN: all see two SYNs and then a success."""
    chain = Chain(lab)
    for family in FAMILIES:
        drop(chain.server, "input", family, "tcp dport 80", PURE_SYN, FIRST)
    play_lost_syn(chain, chain.watch(), once=[])


@scene
def syn_in_router(lab: Lab) -> None:
    """The router loses the first SYN: the client's side sees two, the server's side one."""
    chain = Chain(lab)
    for family in FAMILIES:
        drop(chain.router, "forward", family, "tcp dport 80", PURE_SYN, FIRST)
    play_lost_syn(chain, chain.watch(), once=SERVER_SIDE)


@scene
def syn_before_leaving(lab: Lab) -> None:
    """The first SYN never leaves the client: nobody sees a retransmission."""
    chain = Chain(lab)
    for family in FAMILIES:
        drop(chain.client, "output", family, "tcp dport 80", PURE_SYN, FIRST)
    points = chain.watch()
    play_lost_syn(chain, points, once=list(points.watches))


def play_lost_synack(chain: Chain, points: Points, once: list[str]) -> None:
    connections = [chain.connect(family, wait=0) for family in FAMILIES]
    for connection in connections:
        flow = connection.wait(3).must_be_open().flow
        twice = points.all_but(*once)
        points.expect(flow, "success", "established", "ShhA", dup_synack=1, at=twice)
        points.expect(flow, "success", "established", "ShA", at=once)
    points.finish()


@scene
def synack_before_client(lab: Lab) -> None:
    """The client's firewall drops the first SYN/ACK: all see it twice."""
    chain = Chain(lab)
    for family in FAMILIES:
        no_repeated_syn(chain, family)
        drop(chain.client, "input", family, "tcp sport 80", SYNACK, FIRST)
    play_lost_synack(chain, chain.watch(), once=[])


@scene
def synack_in_router(lab: Lab) -> None:
    """The router loses the first SYN/ACK: only the server's side sees it twice."""
    chain = Chain(lab)
    for family in FAMILIES:
        no_repeated_syn(chain, family)
        drop(chain.router, "forward", family, "tcp sport 80", SYNACK, FIRST)
    # On all interfaces the router sees the first SYN/ACK, on the client's side it does not.
    play_lost_synack(chain, chain.watch(), once=["client", "client any", "router"])


@scene
def synack_before_leaving(lab: Lab) -> None:
    """The first SYN/ACK never leaves the server: nobody sees a retransmission."""
    chain = Chain(lab)
    for family in FAMILIES:
        no_repeated_syn(chain, family)
        drop(chain.server, "output", family, "tcp sport 80", SYNACK, FIRST)
    points = chain.watch()
    play_lost_synack(chain, points, once=list(points.watches))


def play_lost_ack(chain: Chain, points: Points, unseen: list[str]) -> None:
    """The client sends data at once: the server takes it for the lost ACK."""
    for family in FAMILIES:
        connection = chain.connect(family).must_be_open()
        connection.socket.send(b"data")
        served = chain.listeners[family].accept()
        assert served.recv(10) == b"data"
        served.close()
        seen = points.all_but(*unseen)
        points.expect(connection.flow, "success", "established", "ShA", at=seen)
        points.expect(connection.flow, "success", "established", "ShD", at=unseen)
    points.finish()


@scene
def ack_before_leaving(lab: Lab) -> None:
    """The final ACK is never sent, data is: the data completes the handshake."""
    chain = Chain(lab)
    for family in FAMILIES:
        drop(chain.client, "output", family, "tcp dport 80", BARE_ACK, FIRST)
    points = chain.watch()
    play_lost_ack(chain, points, unseen=list(points.watches))


@scene
def ack_in_router(lab: Lab) -> None:
    """The router loses the final ACK, data follows: an ACK on one side, data on the other."""
    chain = Chain(lab)
    for family in FAMILIES:
        drop(chain.router, "forward", family, "tcp dport 80", BARE_ACK, FIRST)
    play_lost_ack(chain, chain.watch(), unseen=SERVER_SIDE)


@scene
def ack_never(lab: Lab) -> None:
    """Half open: no ACK ever leaves the client, the server repeats its SYN/ACK twice, no_ack."""
    chain = Chain(lab)
    chain.server.sysctl({"net/ipv4/tcp_synack_retries": "2"})
    for family in FAMILIES:
        drop(chain.client, "output", family, "tcp dport 80 tcp flags & (syn | ack) == ack")
    # The kernel repeats after 1 s and 2 s more.
    points = chain.watch(timeout=3)
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        points.expect(flow, "timeout", "no_ack", "Shhh", dup_synack=2)
    points.finish()


@scene
def ack_never_beyond_router(lab: Lab) -> None:
    """The router loses every ACK: half open for the server, a success for the client's side.

    What the client's side can see of the fault is the SYN/ACK that comes again: `unaccepted`.
    """
    chain = Chain(lab)
    chain.server.sysctl({"net/ipv4/tcp_synack_retries": "1"})
    for family in FAMILIES:
        drop(chain.router, "forward", family, "tcp dport 80 tcp flags & (syn | ack) == ack")
    points = chain.watch()
    begun = time.monotonic()
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        points.expect(flow, "success", "established", "ShA", at=CLIENT_SIDE)
        points.expect(flow, "timeout", "no_ack", "Shh", dup_synack=1, at=SERVER_SIDE)
        for name in CLIENT_SIDE:
            points[name].expect_event(flow, "unaccepted")
    assert time.monotonic() - begun < 1
    points.finish()
