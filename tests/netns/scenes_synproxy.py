"""Scenes of a SYN proxy: it answers clients itself, and opens the inner connection afterwards."""

from __future__ import annotations

from lab import Family, Lab
from places import ANY, Chain, watch_all
from registry import scene
from watch import Points

DEAF_PORT = 84


def proxied(lab: Lab) -> Chain:
    """A chain whose router answers SYNs to the server's ports 80 and 84 with SYN cookies."""
    chain = Chain(lab)
    chain.router.sysctl({"net/netfilter/nf_conntrack_tcp_loose": "0"})
    ports = f"tcp dport {{ 80, {DEAF_PORT} }}"
    chain.router.nft(
        "table ip proxy {\n"
        f" chain before {{ type filter hook prerouting priority -300;\n"
        f"  {ports} tcp flags & (syn | ack) == syn notrack\n }}\n"
        f" chain between {{ type filter hook forward priority 0;\n"
        f"  {ports} ct state invalid,untracked synproxy mss 1460 wscale 7 sack-perm\n"
        "  ct state invalid drop\n }\n"
        "}\n"
    )
    return chain


@scene
def inner_leg(lab: Lab) -> None:
    """Behind a SYN proxy the inner interface shows the server's verdict, the outer the proxy's."""
    chain = proxied(lab)
    chain.server.rule("input", f"tcp dport {DEAF_PORT} drop")
    all_ = ("ALL",)
    watches = watch_all(
        lab,
        [
            (chain.client, ["-i", "eth0"], {"filters": ("TX",), "interface": "eth0"}),
            (chain.router, ["-i", "eth0", ANY], {"filters": all_, "interface": "eth0"}),
            (chain.router, ["-i", "eth1", ANY], {"filters": all_, "interface": "eth1"}),
            (chain.server, ["-i", "eth0"], {"filters": ("RX",), "interface": "eth0"}),
        ],
    )
    points = Points(dict(zip(["client", "outer", "inner", "server"], watches, strict=True)),
                    chain.marker)
    open_flow = chain.connect(Family.V4, 80, wait=2).must_be_open().flow
    points.expect(open_flow, "success", "established", "ShA")
    deaf = chain.connect(Family.V4, DEAF_PORT, wait=2).must_be_open()
    points.expect(deaf.flow, "success", "established", "ShA", at=["client", "outer"])
    # The proxy's own SYN goes out once; the client knows nothing of it.
    points.expect(deaf.flow, "timeout", "no_reply", "S", at=["inner", "server"])
    for name in ("inner", "server"):
        points[name].until_expected()
    points.finish()
