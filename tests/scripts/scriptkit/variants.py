"""The expansion of one script: which captures it is written as, and the bytes of each."""

from __future__ import annotations

import itertools
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Iterator, Optional

from . import links
from .capture_file import UNLIMITED, Frame, write_pcap, write_pcapng
from .encoder import Encoded, encode

if TYPE_CHECKING:
    from .model import Script

_CONTAINERS = {"pcap": (write_pcap, "<"), "pcapbe": (write_pcap, ">"),
               "pcapng": (write_pcapng, "<"), "pcapngbe": (write_pcapng, ">")}
_BIG_ENDIAN = {"pcap": "pcapbe", "pcapng": "pcapngbe"}
_SNAPLENS = (54, 58, 74, 96)
_RESOLUTIONS = ("us", "ns")

# What `only` may name; a word of each dimension.
DIMENSIONS: dict[str, set[str]] = {
    "family": {"v4", "v6"},
    "link": set(links.BY_NAME),
    "resolution": set(_RESOLUTIONS),
    "container": {"pcap", "pcapng"},
    "cut": {"full", "cut"},
}
LEVELS = ("quick", "full", "product")


@dataclass(frozen=True)
class Variant:
    family: int
    link: links.Link
    resolution: str
    container: str
    cut: str = "full"
    snaplen: int = UNLIMITED

    @property
    def name(self) -> str:
        return f"v{self.family}-{self.link.name}-{self.resolution}-{self.container}-{self.cut}"

    @property
    def iface(self) -> str:
        """The interface's name in the file: pcap has none, and big-endian pcapng goes without as well."""
        return "eth0" if self.container == "pcapng" else ""


class Expansion:
    """All variants of a script; packets are encoded once per family and framed once per link type."""

    def __init__(self, script: Script, epoch: int) -> None:
        self.script = script
        self.epoch = epoch
        self._encoded: dict[int, list[Encoded]] = {}
        self._framed: dict[tuple[int, str, bool], list[tuple[bytes, int]]] = {}

    def _packets(self, family: int) -> list[Encoded]:
        if family not in self._encoded:
            self._encoded[family] = [encode(packet, family) for packet in self.script.packets]
        return self._encoded[family]

    def _frames(self, family: int, link: links.Link, little: bool) -> list[tuple[bytes, int]]:
        """Each frame's bytes and the offset of the IP header in it."""
        key = (family, link.name, little)
        if key not in self._framed:
            framed = []
            for packet in self._packets(family):
                if packet.whole:
                    framed.append((packet.ip, 0))
                    continue
                vlans = link.vlans if packet.vlan is None else packet.vlan
                framed.append(link.frame(links.Inside(family, packet.ip, packet.from_client, vlans, little)))
            self._framed[key] = framed
        return self._framed[key]

    def _little(self, variant: Variant) -> bool:
        return _CONTAINERS[variant.container][1] == "<"

    def cuts(self, family: int, link: links.Link) -> list[tuple[str, int]]:
        """The snapshot lengths that leave every header that is needed and still cut something."""
        frames = self._frames(family, link, True)
        needed = max(offset + packet.needed for (_, offset), packet in zip(frames, self._packets(family)))
        longest = max(len(data) for data, _ in frames)
        found = [("full", UNLIMITED)] + [(f"cut{n}", n) for n in _SNAPLENS if needed <= n < longest]
        if needed < longest:
            found.append(("enough", needed))
        allowed = self.script.only.get("cut", {"full", "cut"})
        return [cut for cut in found if ("full" if cut[0] == "full" else "cut") in allowed]

    def _bases(self) -> Iterator[tuple[int, links.Link]]:
        only = self.script.only
        for family, link in itertools.product((4, 6), links.TABLE):
            if family in link.families and f"v{family}" in only.get("family", {"v4", "v6"}) \
                    and link.name in only.get("link", links.USUAL):
                yield family, link

    def variants(self, level: str) -> Iterator[Variant]:
        only = self.script.only
        resolutions = [r for r in _RESOLUTIONS if r in only.get("resolution", _RESOLUTIONS)]
        containers = [c for c in ("pcap", "pcapng") if c in only.get("container", ("pcap", "pcapng"))]
        pairs = list(itertools.product(resolutions, containers))
        for family, link in self._bases():
            cuts = self.cuts(family, link)
            base = Variant(family, link, "us", "pcap")
            if level == "product":
                yield from self._product(base, pairs, cuts)
            elif level == "full" and link.common:
                yield from self._covering(base, pairs, cuts)
            elif level == "full" or link.common or self._spread(base, "rare") % 8 == 0:
                yield self._choose(base, pairs[self._spread(base, "pair") % len(pairs)], cuts)

    def _product(self, base: Variant, pairs: list[tuple[str, str]], cuts: list[tuple[str, int]]) -> Iterator[Variant]:
        for (resolution, container), (cut, snaplen) in itertools.product(pairs, cuts):
            for written in (container, _BIG_ENDIAN[container]):
                yield replace(base, resolution=resolution, container=written, cut=cut, snaplen=snaplen)

    def _covering(self, base: Variant, pairs: list[tuple[str, str]],
                  cuts: list[tuple[str, int]]) -> Iterator[Variant]:
        """Each family and link type with both resolutions, both containers and the tightest cut. Which resolution
        goes with which container, and the other cuts, differ from base to base and from script to script."""
        start = self._spread(base, "pair") % len(pairs)
        yield self._choose(base, pairs[start], cuts)
        yield self._choose(base, pairs[-1 - start], cuts)
        yield self._choose(base, pairs[(start + 1) % len(pairs)], cuts[-1:])

    def _choose(self, base: Variant, pair: tuple[str, str], cuts: list[tuple[str, int]]) -> Variant:
        resolution, container = pair
        cut, snaplen = cuts[self._spread(base, "cut" + resolution) % len(cuts)]
        if self._spread(base, "order" + container) % 3 == 0:
            container = _BIG_ENDIAN[container]
        return replace(base, resolution=resolution, container=container, cut=cut, snaplen=snaplen)

    def _spread(self, base: Variant, what: str) -> int:
        """A number that is the same in every run and differs from choice to choice."""
        return zlib.crc32(f"{self.script.path} {base.family} {base.link.name} {what}".encode()) >> 4

    def by_name(self, name: str) -> Optional[Variant]:
        return next((v for v in self.variants("product") if v.name == name), None)

    def capture(self, variant: Variant) -> bytes:
        frames = []
        framed = self._frames(variant.family, variant.link, self._little(variant))
        for (data, offset), packet in zip(framed, self._packets(variant.family)):
            held = len(data) if packet.captured is None else min(len(data), offset + packet.captured)
            iface = packet.iface or variant.iface
            frames.append(Frame(self.epoch + packet.time, data, min(held, variant.snaplen), iface))
        write, order = _CONTAINERS[variant.container]
        return write(frames, variant.link.linktype, variant.resolution == "ns", variant.snaplen, order)


def unique(variants: Iterator[Variant]) -> list[Variant]:
    return list({variant.name: variant for variant in variants}.values())
