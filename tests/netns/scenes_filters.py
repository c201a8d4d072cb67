"""Scenes of users' expressions with real traffic."""

from __future__ import annotations

import errno

from lab import FAMILIES, Family, Lab
from places import Chain, watch_all
from registry import scene
from traffic import connect
from watch import Points

PORTS = range(8001, 8006)


def play(chain: Chain, points: Points, wanted: dict[Family, dict[int, tuple[str, ...]]]) -> None:
    """A success for each port and family; a watcher's record has the wanted filters."""
    for port in PORTS:
        chain.listen(port)
        for family in FAMILIES:
            flow = chain.connect(family, port).must_be_open().flow
            if filters := wanted[family].get(port):
                points.expect(flow, "success", "established", "ShA", filters=filters)
    points.finish()


def marker_filters(points: Points, filters: tuple[str, ...]) -> None:
    """What wants the last connect of the scene."""
    for each in points.watches.values():
        each.filters = filters


@scene
def many_at_once(lab: Lab) -> None:
    """Names, joined names, ranges, networks of both families and an exclusion, all at once."""
    chain = Chain(lab)
    expressions = [
        "web:RX@*:8001",
        "range:RX@%:8001-8002:8005",
        "nets:RX@10.0.1.77/24:*,[fd00:1::/64]:8002",
        "mine:ANY@10.0.2.2:8001,[fd00:2::2]:8005",
        "others:RX@10.99.0.0/16:*,[fd00:2::/64]:%",
        "web:RX@*:8004",
        ":ANY@*:8003",
        "out:TX@*:*",
    ]
    points = chain.watch(*expressions, names=["server", "server any"])
    marker_filters(points, ("RX", "nets"))
    v4 = {
        8001: ("RX", "web", "range", "nets", "mine"),
        8002: ("RX", "range", "nets"),
        8004: ("RX", "web", "nets"),
        8005: ("RX", "range", "nets"),
    }
    v6 = {
        8001: ("RX", "web", "range"),
        8002: ("RX", "range", "nets"),
        8004: ("RX", "web"),
        8005: ("RX", "range", "mine"),
    }
    play(chain, points, {Family.V4: v4, Family.V6: v6})


@scene
def exclusion_by_address(lab: Lab) -> None:
    """An exclusion of one remote address, wherever it stands, leaves the rest."""
    chain = Chain(lab)
    points = chain.watch("all:ANY@*:*", ":TX@10.0.2.2:8002-8005", "late:TX@*:8001",
                         names=["client"])
    marker_filters(points, ("TX", "all"))
    first = {8001: ("TX", "all", "late")}
    every = {port: ("TX", "all") for port in PORTS}
    play(
        chain, points,
        {Family.V4: first, Family.V6: every | first},
    )


@scene
def unmatched(lab: Lab) -> None:
    """What no filter wants is neither counted nor shown: a router, and a filter for nothing."""
    chain = Chain(lab)
    watches = watch_all(
        lab,
        [
            (chain.router, ["-i", "any"], {}),
            (chain.router, ["-i", "eth0", "odd:ANY@10.0.9.9:*"], {}),
            (chain.client, ["-i", "eth0", ":ANY@*:*", "all:ANY@*:*"], {}),
        ],
    )
    points = Points(dict(zip(["none", "odd", "excluded"], watches, strict=True)))
    # Nothing will come that could be waited for, so the end must not come before the packets.
    play(chain, points, {Family.V4: {}, Family.V6: {}})


@scene
def local_addresses_by_option(lab: Lab) -> None:
    """--local makes a router's sessions RX or TX; the router's own addresses still count."""
    chain = Chain(lab)
    watches = watch_all(
        lab,
        [
            (chain.router, ["-i", "eth0", "--local=10.0.2.2,fd00:2::/64"], {"filters": ("RX",)}),
            (chain.router, ["-i", "eth0", "--local=10.0.1.0/24,fd00:1::2"], {"filters": ("TX",)}),
        ],
    )
    points = Points(dict(zip(["RX", "TX"], watches, strict=True)), chain.marker)
    for each in watches:
        each.interface = "eth0"
    for family in FAMILIES:
        flow = chain.connect(family).must_be_open().flow
        points.expect(flow, "success", "established", "ShA")
        to_router = connect(chain.client, chain.router.addresses[family], 81)
        to_router.must_fail(errno.ECONNREFUSED)
        points["RX"].expect(to_router.flow, "reject", "refused", "Sr")
        points["TX"].expect(to_router.flow, "reject", "refused", "Sr", filters=("RX", "TX"))
    points.finish()
