"""Scenes of single verdicts, watched from everywhere."""

from __future__ import annotations

import errno
import time

from lab import FAMILIES, Lab
from places import Chain
from registry import scene
from traffic import (
    ACK,
    RST,
    SYN,
    Flow,
    Segment,
    Sniffer,
    connect,
    inject,
    open_socket,
    reverse,
    start,
)

PURE_SYN = "tcp flags & (syn | ack) == syn"
RST_FLAG = "tcp flags & rst == rst"
ISN = 0xFFFFFFFF  # wraps with the SYN


@scene
def success(lab: Lab) -> None:
    """A connect to a listener succeeds, and every watcher says so under its own filter."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        points.expect(flow, "success", "established", "ShA")
    points.finish()


@scene
def refused(lab: Lab) -> None:
    """A closed port answers with RST: rejected, at once."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        flow = chain.connect(family, 81).must_fail(errno.ECONNREFUSED).flow
        points.expect(flow, "reject", "refused", "Sr")
    points.finish()


@scene
def dropped(lab: Lab) -> None:
    """A server that drops SYNs silently: timeouts, with and without a repeated SYN."""
    chain = Chain(lab)
    chain.server.rule("input", f"tcp dport 81 {PURE_SYN} drop")
    points = chain.watch()
    for family in FAMILIES:
        patient = connect(chain.client, chain.server.addresses[family], 81, wait=0)
        once = chain.connect(family, 81).must_hang()
        points.expect(once.flow, "timeout", "no_reply", "S")
        patient.wait(0.9).must_hang()
        points.expect(patient.flow, "timeout", "no_reply", "SS", dup_syn=1)
    points.finish()


@scene
def dropped_before_leaving(lab: Lab) -> None:
    """What the client's own firewall drops never leaves, so nobody sees an attempt."""
    chain = Chain(lab)
    chain.client.rule("output", f"tcp dport 81 {PURE_SYN} drop")
    points = chain.watch()
    for family in FAMILIES:
        chain.connect(family, 81).must_hang()
    points.finish()


@scene
def client_reset(lab: Lab) -> None:
    """A client that resets on the SYN/ACK, because it knows nothing of the SYN: abort."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        flow = Flow(chain.client.addresses[family], 4001, chain.server.addresses[family], 80)
        inject(chain.client, Segment(flow, SYN, ISN))
        points.expect(flow, "abort", "client_reset", "ShR")
    points.finish()


@scene
def reset_after_synack(lab: Lab) -> None:
    """A server that answers with a SYN/ACK and then an RST before it gets an ACK: reset."""
    chain = Chain(lab)
    chain.server.rule("input", "tcp dport 81 drop")
    chain.client.rule("output", "tcp dport 81 tcp flags & (syn | ack) == ack drop")
    points = chain.watch()
    for family in FAMILIES:
        sniffer = Sniffer(chain.server, "eth0", family)
        lab.at_end(sniffer.close)
        client = connect(chain.client, chain.server.addresses[family], 81, wait=0)
        seq, _ = sniffer.next(client.flow, SYN)
        back = reverse(client.flow)
        inject(chain.server, Segment(back, SYN | ACK, ISN, seq + 1))
        inject(chain.server, Segment(back, RST, ISN + 1))
        client.wait(0.5).close()
        points.expect(client.flow, "reject", "reset", "Shr")
    points.finish()


@scene
def forged_reset(lab: Lab) -> None:
    """An RST whose ack is wrong makes no verdict: the repeated SYN succeeds, with no failure."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        chain.server.rule(
            "input", f"{family.nft} tcp dport 80 {PURE_SYN} numgen inc mod 99 < 1 drop"
        )
        sniffer = Sniffer(chain.server, "eth0", family)
        lab.at_end(sniffer.close)
        client = connect(chain.client, chain.server.addresses[family], 80, wait=0)
        lab.at_end(client.close)
        seq, _ = sniffer.next(client.flow, SYN)
        inject(chain.server, Segment(reverse(client.flow), RST | ACK, 0, seq + 1_000_000))
        client.wait(3).must_be_open()
        points.expect(client.flow, "success", "established", "SxShA", dup_syn=1)
    points.finish()


@scene
def simultaneous_open(lab: Lab) -> None:
    """Two hosts that connect to each other at once: one session, no listener at all."""
    chain = Chain(lab)
    points = chain.watch()
    for family in FAMILIES:
        chain.server.rule(
            "input", f"{family.nft} tcp dport 4002 {PURE_SYN} numgen inc mod 99 < 1 drop"
        )
        client_address = chain.client.addresses[family]
        server_address = chain.server.addresses[family]
        one = open_socket(chain.client, family, client_address, 4001)
        other = open_socket(chain.server, family, server_address, 4002)
        for connection in (one, other):
            lab.at_end(connection.close)
        start(one, server_address, 4002)
        start(other, client_address, 4001)
        one.wait(0.8).must_be_open()
        other.wait(0.8).must_be_open()
        points.expect(one.flow, "success", "simultaneous_open", "SsHa")
    points.finish()


@scene
def recovered(lab: Lab) -> None:
    """An ICMP error fails an attempt, a repeated SYN completes it: a failure and its recovery."""
    chain = Chain(lab)
    chain.client.rule("output", f"tcp dport 80 {RST_FLAG} drop")
    points = chain.watch("--icmp")
    for family in FAMILIES:
        reject = "icmp" if family.value == 4 else "icmpv6"
        chain.server.rule(
            "input",
            f"{family.nft} tcp dport 80 {PURE_SYN} numgen inc mod 99 < 1"
            f" reject with {reject} port-unreachable",
        )
        flow = Flow(chain.client.addresses[family], 4001, chain.server.addresses[family], 80)
        sniffer = Sniffer(chain.client, "eth0", family)
        lab.at_end(sniffer.close)
        inject(chain.client, Segment(flow, SYN, ISN))
        kind = (3, 3) if family.value == 4 else (1, 4)
        cause = f"icmp{'' if family.value == 4 else 'v6'}_{kind[0]}_{kind[1]}"
        points.expect(flow, "unreach", cause, "Si", icmp=(*kind, flow.dst))
        for watch in points.watches.values():
            watch.until_expected()
        time.sleep(0.01)  # within 2 ms an equal packet is a copy that the capture shows
        inject(chain.client, Segment(flow, SYN, ISN))
        seq, _ = sniffer.next(reverse(flow), SYN | ACK)
        inject(chain.client, Segment(flow, ACK, ISN + 1, seq + 1))
        points.expect(flow, "success", "established", "SiShA", recovered=True, dup_syn=1)
        for watch in points.watches.values():
            watch.until_expected()
    points.finish()


@scene
def superseded(lab: Lab) -> None:
    """A SYN with another ISN on the same ports ends the attempt and begins a new one."""
    chain = Chain(lab)
    chain.server.rule("input", "tcp dport 81 drop")
    points = chain.watch()
    for family in FAMILIES:
        flow = Flow(chain.client.addresses[family], 4001, chain.server.addresses[family], 81)
        inject(chain.client, Segment(flow, SYN, 1_000))
        inject(chain.client, Segment(flow, SYN, 2_000_000_000))
        points.expect(flow, "timeout", "superseded", "S")
        points.expect(flow, "timeout", "no_reply", "S")
    points.finish()


@scene
def pending(lab: Lab) -> None:
    """Attempts that are under way when tcpeek ends: pending, by their stage."""
    chain = Chain(lab)
    chain.server.rule("input", f"tcp dport 81 {PURE_SYN} drop")
    chain.client.rule("output", "tcp dport 80 tcp flags & (syn | ack | rst) == ack drop")
    points = chain.watch(timeout=60)
    for family in FAMILIES:
        flow = chain.connect(family, 81, wait=0.1).must_hang().flow
        points.expect(flow, "pending", "syn_sent", "S")
    for family in FAMILIES:
        flow = chain.connect(family, 80, wait=0.1).must_be_open().flow
        points.expect(flow, "pending", "syn_received", "Sh")
    points.finish()


@scene
def many_successes(lab: Lab) -> None:
    """300 connects, 30 at a time and of both families: each is one session, at every place."""
    chain = Chain(lab)
    points = chain.watch()
    for first in range(0, 300, 30):
        batch = [
            connect(chain.client, chain.server.addresses[FAMILIES[i % 2]], 80, wait=0)
            for i in range(first, first + 30)
        ]
        for connection in batch:
            lab.at_end(connection.close)
            connection.wait(5).must_be_open()
            points.expect(connection.flow, "success", "established", "ShA")
    points.finish()
