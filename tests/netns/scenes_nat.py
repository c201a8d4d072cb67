"""Scenes of a host that translates addresses: each leg is a session of its own."""

from __future__ import annotations

import errno

from lab import FAMILIES, Family, Lab
from places import ANY, Chain, watch_all
from registry import scene
from traffic import Flow
from watch import Points

DEAF_PORT, CLOSED_PORT = 84, 85


def translated(lab: Lab) -> Chain:
    """A chain whose router shows the server its own address instead of the client's, and takes connects to its
    port 8080 as the server's."""
    chain = Chain(lab)
    rules = []
    for family, word in ((Family.V4, "ip"), (Family.V6, "ip6")):
        to = chain.server.addresses[family] if family is Family.V4 else f"[{chain.server.addresses[family]}]"
        rules.append(
            f"table {word} scene_nat {{\n"
            " chain before { type nat hook prerouting priority -100;\n"
            f'  iifname "eth0" tcp dport 8080 dnat to {to}:80\n }}\n'
            " chain after { type nat hook postrouting priority 100;\n"
            '  oifname "eth1" masquerade\n }\n'
            "}\n"
        )
    chain.router.nft("".join(rules))
    chain.server.rule("input", f"tcp dport {DEAF_PORT} drop")
    return chain


def outside(family: Family) -> str:
    """The router's address on the server's side."""
    return "10.0.2.1" if family is Family.V4 else "fd00:2::1"


def inside(family: Family) -> str:
    return "10.0.1.1" if family is Family.V4 else "fd00:1::1"


@scene
def two_legs(lab: Lab) -> None:
    """Masquerading with -i any: two sessions of one connect, one a leg; a filter for one side tells one of them."""
    chain = translated(lab)
    clients = [chain.client.addresses[family] for family in FAMILIES]
    one_side = f"INNER:ANY@{clients[0]}:*,[{clients[1]}]:*"
    watches = watch_all(
        lab,
        [
            (chain.router, ["-i", "any", ANY], {"interface": "eth0"}),
            (chain.router, ["-i", "any", one_side], {"interface": "eth0"}),
            (chain.router, ["-i", "eth1", ANY], {"interface": "eth1"}),
        ],
    )
    points = Points(dict(zip(["both", "one side", "outer"], watches, strict=True)))

    def expect(flow: Flow, family: Family, result: str, cause: str, history: str) -> None:
        points.expect(flow, result, cause, history, at=["both"], filters=("ALL",))
        points.expect(flow, result, cause, history, at=["one side"], filters=("INNER",))
        # The router chose the port of the outer leg; masquerading keeps it while it is free.
        outer = Flow(outside(family), flow.sport, chain.server.addresses[family], 80 if flow.dport == 8080 else flow.dport)
        points.expect(outer, result, cause, history, at=["both", "outer"], filters=("TX", "ALL"), interface="eth1")
        points.expect(outer, result, cause, history, at=["one side"], filters=("TX",), interface="eth1")

    for family in FAMILIES:
        expect(chain.connect(family, wait=5).must_be_open().flow, family, "success", "established", "ShA")
        refused = chain.connect(family, CLOSED_PORT, wait=5).must_fail(errno.ECONNREFUSED)
        expect(refused.flow, family, "reject", "refused", "Sr")
        expect(chain.connect(family, DEAF_PORT).must_hang().flow, family, "timeout", "no_reply", "S")
    points.finish()
