"""Scenes of what a client's handshake does not show: full queues and early resets."""

from __future__ import annotations

import select
import socket

from lab import FAMILIES, Family, Lab
from places import Chain
from registry import scene
from traffic import (
    ACK,
    RST,
    SYN,
    Connection,
    Segment,
    Sniffer,
    connect,
    inject,
    open_socket,
    reset,
    reverse,
    start,
)

PURE_SYN = "tcp flags & (syn | ack) == syn"
SYNACK = "tcp flags & (syn | ack) == syn | ack"


@scene
def full_queue_drops_syn(lab: Lab) -> None:
    """A listener whose accept queue is full drops SYNs: timeout, no_reply."""
    chain = Chain(lab)
    chain.listen(82, backlog=0)  # room for one
    points = chain.watch()
    for family in FAMILIES:
        first = chain.connect(family, 82).must_be_open()
        points.expect(first.flow, "success", "established", "ShA")
        second = chain.connect(family, 82).must_hang()
        points.expect(second.flow, "timeout", "no_reply", "S")
    points.finish()


@scene
def full_queue_drops_ack(lab: Lab) -> None:
    """The queue fills before the final ACK: success for the client, and the event `unaccepted`.

    The first SYN/ACK is lost, meanwhile another client takes the only place; the repeated SYN/ACK
    gets its ACK, which the server drops, and the server repeats the SYN/ACK once more (after 2 s).
    """
    chain = Chain(lab)
    chain.listen(82, backlog=0)  # room for one
    for family in FAMILIES:
        once = f"{family.nft} tcp dport 82 tcp sport 4001 {PURE_SYN} numgen inc mod 99 > 0 drop"
        chain.client.rule("output", once)
        lost = f"{family.nft} tcp sport 82 tcp dport 4001 {SYNACK} numgen inc mod 99 < 1 drop"
        chain.client.rule("input", lost)
    points = chain.watch(timeout=4)
    waiting = [connect_from(lab, chain, family, 82, 4001) for family in FAMILIES]
    for family in FAMILIES:
        points.expect(
            chain.connect(family, 82).must_be_open().flow, "success", "established", "ShA"
        )
    for connection in waiting:
        flow = connection.wait(3).must_be_open().flow
        points.expect(flow, "success", "established", "ShhA", dup_synack=1)
        points.expect_event(flow, "unaccepted")
    points.finish()


@scene
def deferred_accept(lab: Lab) -> None:
    """A server that wants data first drops the ACK and repeats its SYN/ACK: `unaccepted`, and innocent."""
    chain = Chain(lab)
    for listener in chain.listen(82).values():
        listener.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1)
    points = chain.watch(timeout=4)
    for family in FAMILIES:
        silent = chain.connect(family, 82).must_be_open()
        points.expect(silent.flow, "success", "established", "ShA")
        points.expect_event(silent.flow, "unaccepted")
        talking = chain.connect(family, 82).must_be_open()
        talking.socket.send(b"hello")
        points.expect(talking.flow, "success", "established", "ShA")
    points.finish()


def connect_from(
    lab: Lab, chain: Chain, family: Family, port: int, source_port: int
) -> Connection:
    connection = open_socket(chain.client, family, chain.client.addresses[family], source_port)
    lab.at_end(connection.close)
    return start(connection, chain.server.addresses[family], port)


@scene
def reset_by_server(lab: Lab) -> None:
    """The server accepts and resets at once: success, and `reset_early` by server."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        reset(chain.listeners[family].accept())
        points.expect(flow, "success", "established", "ShA")
        points.expect_event(flow, "reset_early", "server")
    points.finish()


@scene
def reset_by_client(lab: Lab) -> None:
    """The client connects and resets at once: success, and `reset_early` by client."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        connection = connect(chain.client, chain.server.addresses[family], 80).must_be_open()
        connection.reset()
        points.expect(connection.flow, "success", "established", "ShA")
        points.expect_event(connection.flow, "reset_early", "client")
    points.finish()


@scene
def reset_after_data(lab: Lab) -> None:
    """A reset after the server has sent data is no early one."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        connection = chain.connect(family).must_be_open()
        served = chain.listeners[family].accept()
        served.send(b"data")
        assert select.select([connection.socket], [], [], 2)[0]
        reset(served)
        points.expect(connection.flow, "success", "established", "ShA")
    points.finish()


@scene
def balancer_without_backend(lab: Lab) -> None:
    """SYN/ACK and an RST right after the client's ACK, from a box that has no backend."""
    chain = Chain(lab)
    chain.server.rule("input", "tcp dport 81 drop")
    points = chain.watch()
    for family in FAMILIES:
        sniffer = Sniffer(chain.server, "eth0", family)
        lab.at_end(sniffer.close)
        client = chain.connect(family, 81, wait=0)
        seq, _ = sniffer.next(client.flow, SYN)
        back = reverse(client.flow)
        inject(chain.server, Segment(back, SYN | ACK, 5_000, seq + 1))
        sniffer.next(client.flow, ACK)
        inject(chain.server, Segment(back, RST | ACK, 5_001, seq + 1))
        points.expect(client.flow, "success", "established", "ShA")
        points.expect_event(client.flow, "reset_early", "server")
    points.finish()


@scene
def ports_used_again(lab: Lab) -> None:
    """The same four numbers again right after a success and its reset: two sessions."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        for _ in range(2):
            connection = connect_from(lab, chain, family, 80, 4001).wait(2).must_be_open()
            # An RST leaves no TIME_WAIT behind.
            connection.reset()
            chain.listeners[family].accept().close()
            points.expect(connection.flow, "success", "established", "ShA")
            points.expect_event(connection.flow, "reset_early", "client")
    points.finish()
