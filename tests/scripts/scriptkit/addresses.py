"""The hosts that scripts may name, with their address in each family."""

from __future__ import annotations

import ipaddress

# Documentation networks (RFC 5737, RFC 3849).
_HOSTS = {
    "client": ("192.0.2.10", "2001:db8:1::10"),
    "server": ("198.51.100.20", "2001:db8:2::20"),
    "client2": ("192.0.2.11", "2001:db8:1::11"),
    "server2": ("198.51.100.21", "2001:db8:2::21"),
    "router": ("203.0.113.1", "2001:db8:ff::1"),
    "loopback": ("127.0.0.1", "::1"),
    "outer1": ("203.0.113.61", "2001:db8:ee::1"),
    "outer2": ("203.0.113.62", "2001:db8:ee::2"),
    "tick1": ("203.0.113.50", "2001:db8:ff::50"),
    "tick2": ("203.0.113.51", "2001:db8:ff::51"),
}

NAMES = frozenset(_HOSTS)


def text(host: str, family: int) -> str:
    """The address as the program prints it (RFC 5952 for IPv6)."""
    return _HOSTS[host][0 if family == 4 else 1]


def packed(host: str, family: int) -> bytes:
    return ipaddress.ip_address(text(host, family)).packed


def substitute(option: str, family: int) -> str:
    """Replaces {server} by the address, {[server]} by the address in the brackets that IPv6 needs in expressions."""
    for host in NAMES:
        address = text(host, family)
        option = option.replace("{[%s]}" % host, address if family == 4 else f"[{address}]")
        option = option.replace("{%s}" % host, address)
    return option
