"""A check of the encoder by another reader: tshark must see what the scripts say, with good checksums."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from . import addresses, links
from .capture_file import UNLIMITED, Frame, write_pcap, write_pcapng
from .encoder import encode
from .expectation import EPOCH
from .model import IcmpError, Packet, Script, Segment
from .parser import parse_file

_FIELDS = ("tcp.flags", "tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.len", "tcp.checksum.status",
           "tcp.options.timestamp.tsval", "ip.checksum.status", "icmp.checksum.status", "icmpv6.checksum.status",
           "icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code", "ip.src", "ipv6.src", "_ws.malformed",
           "frame.protocols", "vlan.id", "ieee8021ad.id", "vxlan.vni", "geneve.vni", "gtp.teid")
_GOOD = "1"
# How tshark names a tunnel, and a field of it with the value that the encoder writes.
_TUNNELS = {"gre": ("gre", "", ""), "vxlan": ("", "vxlan.vni", "4242"),
            "geneve": ("geneve", "geneve.vni", "0x001092"), "gtp": ("gtp", "gtp.teid", "0x00001234"),
            "erspan": ("erspan", "", ""), "teredo": ("teredo", "", ""), "l2tp": ("l2tp", "", ""),
            "ipip": ("ip:ip", "", ""), "4in6": ("ipv6:ip", "", ""), "6in4": ("ip:ipv6", "", ""),
            "6in6": ("ipv6:ipv6", "", "")}
_PER_LINK, _PER_RARE_LINK = 400, 60


def _plain(packet: Packet) -> bool:
    """Packets that are wrong on purpose are left out."""
    wire, body = packet.wire, packet.body
    odd = wire.frag or wire.iplen or wire.sum or wire.captured is not None
    if isinstance(body, Segment):
        return not odd and body.doff is None
    return isinstance(body, IcmpError) and not odd and (body.quoted is None or body.quoted >= 20)


def _quoted_port(error: IcmpError) -> int:
    flow = error.flow
    return flow.cport if error.quote.from_client else flow.sport


def _expected(packet: Packet, family: int) -> dict[str, str]:
    body = packet.body
    fields = {"ip.checksum.status": _GOOD} if family == 4 else {}
    if isinstance(body, IcmpError):
        kind, code = (body.v4 if family == 4 else body.v6) or (0, 0)
        protocol = "icmp" if family == 4 else "icmpv6"
        fields |= {f"{protocol}.type": str(kind), f"{protocol}.code": str(code),
                   f"{protocol}.checksum.status": _GOOD, "tcp.srcport": str(_quoted_port(body))}
        source = body.reporter
    elif isinstance(body, Segment):
        fields |= {"tcp.flags": f"0x{body.flags:04x}", "tcp.seq_raw": str(body.seq), "tcp.ack_raw": str(body.ack),
                   "tcp.len": str(body.length), "tcp.checksum.status": _GOOD,
                   "tcp.options.timestamp.tsval": "" if body.tsval is None else str(body.tsval)}
        source = body.flow.client if body.from_client else body.flow.server
    else:
        raise AssertionError("ticks are not compared")
    fields["ip.src" if family == 4 else "ipv6.src"] = addresses.text(source, family)
    return fields | {"_ws.malformed": ""}


def _read(capture: Path, options: tuple[str, ...]) -> list[dict[str, list[str]]]:
    """The values of each field in the order in which they stand in the packet."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "separator=|", "-E", "occurrence=a"]
    for preference in ("tcp.check_checksum:TRUE", "ip.check_checksum:TRUE", "ip.defragment:FALSE"):
        command += ["-o", preference]
    command += options
    for field in _FIELDS:
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"tshark {done.returncode}: {done.stderr}")
    return [{field: [value for value in values.split(",") if value]
             for field, values in zip(_FIELDS, line.split("|"))} for line in done.stdout.splitlines()]


def _innermost(fields: dict[str, list[str]], source: tuple[str, str]) -> dict[str, str]:
    """One value of each field: of the IP header that has the expected source, and the first of all others."""
    key, address = source
    position = fields[key].index(address) if address in fields[key] else 0
    by_header = {key, "ip.checksum.status"} if key == "ip.src" else {key}
    chosen = {}
    for field, values in fields.items():
        at = position if field in by_header else 0
        chosen[field] = values[at] if at < len(values) else ""
    return chosen


def _layer_problems(link: links.Link, fields: dict[str, list[str]]) -> list[str]:
    protocols = fields["frame.protocols"][0].replace("ethertype:", "")
    found = []
    for tunnel in filter(None, link.tunnel.split("/")):
        layers, field, value = _TUNNELS[tunnel]
        if layers not in protocols:
            found.append(f"{protocols} lacks {layers}")
        if field and fields[field] != [value]:
            found.append(f"{field} is {fields[field]}, not {value}")
    vlans = sorted(int(vlan) for vlan in fields["vlan.id"] + fields["ieee8021ad.id"])
    if vlans != sorted(link.vlans):
        found.append(f"VLANs are {vlans}, not {link.vlans}")
    return found


def _mismatches(packets: list[tuple[Script, Packet]], family: int, link: links.Link,
                seen: list[dict[str, list[str]]]) -> list[str]:
    if len(seen) != len(packets):
        return [f"tshark saw {len(seen)} of {len(packets)} packets"]
    found = []
    for (script, packet), fields in zip(packets, seen):
        where = f"{script.path}:{packet.line}: {script.text[packet.line - 1].strip()}"
        wanted = _expected(packet, family)
        key = "ip.src" if family == 4 else "ipv6.src"
        chosen = _innermost(fields, (key, wanted[key]))
        found += [f"{where}: {field} is {chosen[field]!r}, not {value!r}"
                  for field, value in wanted.items() if chosen[field] != value]
        found += [f"{where}: {problem}" for problem in _layer_problems(link, fields)]
    return found


def _check_link(scripts: list[Script], family: int, link: links.Link, scratch: Path) -> tuple[int, list[str]]:
    chosen = [(script, packet) for script in scripts
              if f"v{family}" in script.only.get("family", {"v4", "v6"}) for packet in script.packets if _plain(packet)]
    chosen = chosen[: _PER_LINK if link.common else _PER_RARE_LINK]
    frames = []
    for number, (_, packet) in enumerate(chosen):
        encoded = encode(packet, family)
        inside = links.Inside(family, encoded.ip, encoded.from_client, link.vlans, True)
        data, _ = link.frame(inside)
        frames.append(Frame(EPOCH + number * 1000, data, len(data), "eth0"))
    problems = []
    for write in (write_pcap, write_pcapng) if link.common else (write_pcap,):
        scratch.write_bytes(write(frames, link.linktype, False, UNLIMITED, "<"))
        where = f"v{family} {link.name} {write.__name__[6:]}: "
        problems += [where + what for what in _mismatches(chosen, family, link, _read(scratch, link.tshark))]
    return len(frames), problems


def check_with_tshark(paths: list[Path]) -> int:
    if shutil.which("tshark") is None:
        print("SKIP: tshark is not installed")
        return 0
    scripts = [parse_file(path) for path in paths]
    # Scripts with ICMP, timestamps or headers of their own first, so that the sample holds them all.
    scripts.sort(key=lambda s: not (s.uses_timestamps() or any(isinstance(p.body, IcmpError) for p in s.packets)))
    total, problems = 0, []
    with tempfile.TemporaryDirectory(prefix="tcpeek-tshark-") as folder:
        for link in (link for link in links.TABLE if link.usual and link.tshark is not None):
            for family in link.families:
                count, found = _check_link(scripts, family, link, Path(folder) / "capture")
                total += count
                problems += found
    for problem in problems[:40]:
        print(problem)
    print(f"{total} packets read by tshark, {len(problems)} differences")
    return 1 if problems else 0
