"""Network namespaces as hosts: made, wired, filtered and always removed again."""

from __future__ import annotations

import contextlib
import ctypes
import enum
import ipaddress
import os
import socket
import subprocess
from collections.abc import Iterator

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

# In every namespace: addresses are usable at once, nothing is sent that no scene asked for, every
# ICMP error goes out, and asymmetric paths are allowed.
_QUIET = {
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/all/accept_ra": "0",
    "net/ipv6/conf/default/accept_ra": "0",
    "net/ipv6/conf/all/autoconf": "0",
    "net/ipv6/conf/default/autoconf": "0",
    "net/ipv6/conf/default/router_solicitations": "0",
    "net/ipv6/conf/all/keep_addr_on_down": "1",
    "net/ipv6/conf/default/keep_addr_on_down": "1",
    "net/ipv6/icmp/ratelimit": "0",
    "net/ipv4/icmp_ratelimit": "0",
    "net/ipv4/conf/all/rp_filter": "0",
    "net/ipv4/conf/default/rp_filter": "0",
}


class Failure(Exception):
    """The scene showed something else than it must."""


class Skip(Exception):
    """This machine cannot play the scene; the text says why."""


class Family(enum.Enum):
    V4 = 4
    V6 = 6

    @property
    def af(self) -> socket.AddressFamily:
        return socket.AF_INET if self is Family.V4 else socket.AF_INET6

    @property
    def nft(self) -> str:
        """The nftables condition for packets of this family."""
        return "meta nfproto ipv4" if self is Family.V4 else "meta nfproto ipv6"


FAMILIES = (Family.V4, Family.V6)


def family_of(address: str) -> Family:
    return Family(ipaddress.ip_address(address).version)


def run(command: list[str], text: str | None = None) -> str:
    """Runs a command that must succeed and returns its standard output."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}\n{text or ''}")
    return done.stdout


class Host:
    """A network namespace with a loopback interface that is up."""

    def __init__(self, namespace: str, label: str) -> None:
        self.namespace = namespace
        self.label = label
        self.addresses: dict[Family, str] = {}
        self._has_rules = False

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """The calling thread is in this namespace; sockets made meanwhile stay there for good."""
        target = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY | os.O_CLOEXEC)
        try:
            _enter(target)
            yield
        finally:
            _enter(_home)
            os.close(target)

    def exec(self, *command: str) -> list[str]:
        """The command line that runs `command` in this namespace."""
        return ["ip", "netns", "exec", self.namespace, *command]

    def ip(self, *lines: str) -> None:
        """Runs iproute2 commands, without the word `ip`."""
        run(["ip", "-n", self.namespace, "-batch", "-"], "\n".join(lines) + "\n")

    def sysctl(self, settings: dict[str, str]) -> None:
        with self.inside():
            for key, value in settings.items():
                with contextlib.suppress(FileNotFoundError):
                    with open(f"/proc/sys/{key}", "w", encoding="ascii") as file:
                        file.write(value)

    def nft(self, text: str) -> None:
        run(self.exec("nft", "-f", "-"), text)

    def rule(self, hook: str, rule: str) -> None:
        """Adds an nftables rule at `input`, `forward` or `output`.

        What `input` and `forward` drop has been seen by captures on the interface that it came in
        by; what `output` drops is seen by nobody.
        """
        if not self._has_rules:
            chains = "".join(
                f"chain {name} {{ type filter hook {name} priority 0; }}\n"
                for name in ("input", "forward", "output")
            )
            self.nft(f"table inet scene {{\n{chains}}}\n")
            self._has_rules = True
        self.nft(f"add rule inet scene {hook} {rule}\n")

    def forget_rules(self) -> None:
        if self._has_rules:
            self.nft("delete table inet scene\n")
            self._has_rules = False

    def add_address(self, interface: str, address: str, prefix: int | None = None) -> None:
        """Adds an address; without a prefix length it is the only one of its network."""
        family = family_of(address)
        length = prefix if prefix is not None else (32 if family is Family.V4 else 128)
        nodad = " nodad" if family is Family.V6 else ""
        self.ip(f"address add {address}/{length} dev {interface}{nodad}")

    def route(self, destination: str, via: str) -> None:
        version = "-6 " if ":" in destination else ""
        run(["ip", *version.split(), "-n", self.namespace, "route", "add", destination, "via", via])


def _enter(namespace_fd: int) -> None:
    if _libc.setns(namespace_fd, _CLONE_NEWNET) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"setns: {os.strerror(error)}")


class Lab:
    """All that one scene makes; `close` removes it, whatever happened before."""

    def __init__(self, prefix: str) -> None:
        self.prefix = prefix
        self.hosts: list[Host] = []
        self._closing = contextlib.ExitStack()

    def host(self, label: str) -> Host:
        host = Host(f"{self.prefix}-{label}", label)
        run(["ip", "netns", "add", host.namespace])
        self.hosts.append(host)
        host.sysctl(_QUIET)
        host.ip("link set lo up")
        return host

    def link(self, one: Host, one_name: str, other: Host, other_name: str) -> None:
        """A veth pair between two hosts, both ends up."""
        run(
            ["ip", "link", "add", one_name, "netns", one.namespace, "type", "veth",
             "peer", "name", other_name, "netns", other.namespace]
        )
        one.ip(f"link set {one_name} up")
        other.ip(f"link set {other_name} up")

    def at_end(self, work, *arguments) -> None:
        """Calls `work` when the scene is over, the latest first."""
        self._closing.callback(work, *arguments)

    def close(self) -> None:
        try:
            self._closing.close()
        finally:
            sweep(self.prefix)


def sweep(prefix: str) -> None:
    """Removes the namespaces whose names begin with `prefix`, with all that is in them."""
    for name in os.listdir("/run/netns") if os.path.isdir("/run/netns") else []:
        if name.startswith(prefix + "-"):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
