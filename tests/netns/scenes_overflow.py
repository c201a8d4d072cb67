"""Scenes of a capture that loses packets: which timeouts are doubtful then."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Callable
from typing import Any

from lab import Failure, Family, Lab
from places import Pair, need_hooks, watch_all
from registry import scene
from traffic import RST, Flow, Segment
from watch import Watch

SILENT_PORT = 83
FLOOD_PORT = 9
# Three times what the ring of -B 1 holds.
FLOOD_PACKETS = 12_000
FLOOD_PAYLOAD = b"x" * 300


def unanswered(pair: Pair) -> Flow:
    """A connect that nobody answers, given up before its SYN is repeated."""
    return pair.connect(Family.V4, SILENT_PORT, wait=0.3).must_hang().flow


def flood(pair: Pair) -> None:
    with pair.client.inside():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sender.connect((pair.server.addresses[Family.V4], FLOOD_PORT))
    for _ in range(FLOOD_PACKETS):
        try:
            sender.send(FLOOD_PAYLOAD)
        except ConnectionRefusedError:  # the port is closed, and the server says so
            pass
    sender.close()


def record_of(watch: Watch, flow: Flow) -> dict[str, Any]:
    found = [each for each in watch.records() if each["sport"] == flow.sport]
    if len(found) != 1 or found[0]["result"] != "timeout":
        raise Failure(f"{watch.label}: no timeout of {flow}\n{watch.saved()}")
    return found[0]


def resets(pair: Pair) -> None:
    """Segments that the kernel filter lets through, and that belong to no attempt."""
    family = Family.V4
    flow = Flow(pair.client.addresses[family], 4001, pair.server.addresses[family], FLOOD_PORT)
    with pair.client.inside():
        sender = socket.socket(family.af, socket.SOCK_RAW, socket.IPPROTO_TCP)
    with sender:
        sender.bind((flow.src, 0))
        for number in range(FLOOD_PACKETS):
            sender.sendto(Segment(flow, RST, number).encode(), (flow.dst, 0))


@scene
def socket_overflows(lab: Lab) -> None:
    """A packet socket's ring that overflows makes the timeouts of attempts under way then doubtful,
    no others."""
    overflow(lab, ["--capture=socket", "--filter-entries=0"], flood)


@scene
def hooks_overflow(lab: Lab) -> None:
    """The same with the ring of the tcx hooks."""
    need_hooks()
    overflow(lab, ["--capture=tcx", "--filter-entries=1000"], resets)


def overflow(lab: Lab, engine: list[str], flood: Callable[[Pair], None]) -> None:
    pair = Pair(lab)
    pair.server.rule("input", f"tcp dport {SILENT_PORT} drop")
    options = ["-i", "eth0", "-B", "1", *engine]
    [watch] = watch_all(lab, [(pair.server, options, {"filters": ("RX",)})])
    before = unanswered(pair)
    watch.until_records(1)
    during = unanswered(pair)
    watch.send(signal.SIGSTOP)
    flood(pair)
    watch.send(signal.SIGCONT)
    watch.until_records(2)
    time.sleep(0.2)  # longer than a loss is noticed late
    after = unanswered(pair)
    watch.until_records(3)
    if watch.stop() != 0:
        raise Failure(f"{watch.label}: exit status {watch.process.returncode}\n{watch.saved()}")
    told = [record_of(watch, flow).get("capture_loss", False) for flow in (before, during, after)]
    if told != [False, True, False]:
        raise Failure(f"capture_loss is {told} before, during and after the loss\n{watch.saved()}")
    summary = watch.summaries()[-1]
    dropped = summary["capture"]["Dropped by kernel"]
    if dropped == 0 or summary["RX"].get("  of which doubtful") != 1:
        raise Failure(f"{watch.label}: the summary is {summary}\n{watch.saved()}")
