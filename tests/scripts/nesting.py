#!/usr/bin/env python3
"""Random stacks of encapsulations, up to the limits: a handshake in each must be a success that names them all.

tshark, where it is installed, must find the same ports in the same frames.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from scriptkit.capture_file import UNLIMITED, Frame, write_pcap
from scriptkit.encoder import encode
from scriptkit.expectation import EPOCH
from scriptkit.link_headers import (cisco_hdlc, control_word, ethernet, ethernet_llc, mpls, nflog, ppp, ppp_compressed,
                                    pppoe, prefix, radiotap, service_instance, tag, wifi)
from scriptkit.model import ACK, SYN, Flow, Packet, Segment, Wire
from scriptkit.stage import BRIDGED, IPV4, IPV6, MPLS, Inside, Stage, Step
from scriptkit.tunnels import (erspan1, erspan2, erspan3, geneve, gre, gtp, ip, l2tp, pptp, teredo, udp, vxlan,
                               vxlan_gpe)

_HDLC = b"\xff\x03"
_MOST_TUNNELS, _MOST_VLANS, _MOST_HEADERS = 6, 8, 26
_FIRST_PORT = 2000


@dataclass
class Stack:
    """Steps from the innermost to the outermost, and what a record must name because of them, innermost first."""

    kind: int
    steps: list[Step] = field(default_factory=list)
    tunnels: list[str] = field(default_factory=list)
    vlans: list[int] = field(default_factory=list)
    headers: int = 2
    known_to_tshark: bool = True
    linktype: int = 1
    has_length: bool = False  # instead of an EtherType, in the outermost header

    def put(self, kind: int, headers: int, *steps: Step, tunnel: str = "") -> None:
        self.kind = kind
        self.has_length = False
        self.headers += headers
        self.steps += steps
        self.tunnels += [tunnel] if tunnel else []


def _outer_ip(stack: Stack, dice: random.Random, headers: int, *steps: Step, tunnel: str) -> None:
    family = dice.choice((4, 6))
    stack.put(IPV4 if family == 4 else IPV6, headers + 1, *steps, ip(family), tunnel=tunnel)


def _in_ip(stack: Stack, dice: random.Random) -> None:
    family = dice.choice((4, 6))
    name = {(IPV4, 4): "ipip", (IPV4, 6): "4in6", (IPV6, 4): "6in4", (IPV6, 6): "6in6"}[stack.kind, family]
    stack.put(IPV4 if family == 4 else IPV6, 1, ip(family), tunnel=name)


def _random_gre(dice: random.Random) -> Step:
    flags = [dice.random() < 0.5 for _ in range(4)]
    return gre(checksum=flags[0], key=flags[1], sequence=flags[2], routing=flags[3])


def _in_gre(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 2, _random_gre(dice), tunnel="gre")


def _in_gre_over_udp(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 3, _random_gre(dice), udp(4754), tunnel="gre")


def _in_geneve(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 2, geneve(dice.randrange(5)), udp(6081), tunnel="geneve")


def _in_gpe(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 2, vxlan_gpe, udp(4790), tunnel="vxlan")


def _in_gtp(stack: Stack, dice: random.Random) -> None:
    step = gtp(extensions=dice.randrange(4), sequence=dice.random() < 0.5)
    _outer_ip(stack, dice, 3, step, udp(2152, either=dice.random() < 0.5), tunnel="gtp")


def _in_teredo(stack: Stack, dice: random.Random) -> None:
    stack.put(IPV4, 3, teredo(indications=dice.random() < 0.5), udp(3544, either=True), ip(4), tunnel="teredo")


def _in_pptp(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 3, ppp, prefix(_HDLC), pptp, tunnel="gre")


def _in_vxlan(stack: Stack, dice: random.Random) -> None:
    _outer_ip(stack, dice, 2, vxlan, udp(4789), tunnel="vxlan")


def _in_erspan(stack: Stack, dice: random.Random) -> None:
    step = dice.choice((erspan1, erspan2, erspan3(), erspan3(platform=True)))
    _outer_ip(stack, dice, 2, step, tunnel="erspan")


def _in_l2tp(stack: Stack, dice: random.Random) -> None:
    stack.known_to_tshark = False
    step = l2tp(*dice.choice(((b"", b""), (b"cook", b""), (b"cookie!!", b""), (b"cookie!!", b"\0\0\0\5"))))
    _outer_ip(stack, dice, 1, step, tunnel="l2tp")


def _in_pseudo_wire(stack: Stack, dice: random.Random) -> None:
    stack.known_to_tshark = False
    stack.put(MPLS, 3, control_word, mpls(*dice.sample(range(16, 4000), dice.randint(1, 2))))


def _in_backbone(stack: Stack, dice: random.Random) -> None:
    # tshark expects an EtherType there.
    stack.known_to_tshark = stack.known_to_tshark and not stack.has_length
    vlan = dice.randrange(4096)
    stack.vlans.append(vlan)
    stack.put(BRIDGED, 3, service_instance, tag(vlan, 0x88A8), ethernet)


def _in_mpls(stack: Stack, dice: random.Random) -> None:
    labels = dice.sample(range(16, 1 << 20), dice.randint(1, 3))
    stack.put(MPLS, len(labels) + 2, mpls(*labels))


def _in_pppoe(stack: Stack, dice: random.Random) -> None:
    compressed = stack.kind != MPLS and dice.random() < 0.3
    stack.put(BRIDGED, 3, ppp_compressed if compressed else ppp, pppoe, ethernet)


def _in_ethernet(stack: Stack, dice: random.Random) -> None:
    tags = []
    while dice.random() < 0.4 and len(stack.vlans) < _MOST_VLANS - 1:
        vlan = dice.randrange(4096)
        stack.vlans.append(vlan)
        tpid = dice.choice((0x8100, 0x8100, 0x88A8, 0x9100))
        stack.known_to_tshark = stack.known_to_tshark and tpid != 0x9100
        tags.append(tag(vlan, tpid))
    llc = not tags and stack.kind != MPLS and dice.random() < 0.2
    stack.put(BRIDGED, 1 + len(tags) + llc, *tags, ethernet_llc if llc else ethernet)
    stack.has_length = llc
    if llc:
        # A step names what it made by itself, except this one, which was written to stand outermost.
        stack.steps.append(lambda stage, _inside: Stage(stage.data, BRIDGED))


_Layer = Callable[[Stack, random.Random], None]
_AROUND_IP: tuple[_Layer, ...] = (_in_ip, _in_gre, _in_gre_over_udp, _in_geneve, _in_gpe, _in_gtp, _in_pptp)
_AROUND_ETHERNET: tuple[_Layer, ...] = (_in_vxlan, _in_geneve, _in_gre, _in_gpe, _in_erspan, _in_l2tp,
                                        _in_pseudo_wire, _in_backbone)


def _layers_around(stack: Stack) -> tuple[_Layer, ...]:
    if stack.kind == BRIDGED:
        return _AROUND_ETHERNET
    if stack.kind == MPLS:
        return (_in_ethernet, _in_gre, _in_pppoe)
    teredo_fits = (_in_teredo,) if stack.kind == IPV6 else ()
    return (*_AROUND_IP, *teredo_fits, _in_ethernet, _in_ethernet, _in_mpls, _in_pppoe)


def _put_link(stack: Stack, dice: random.Random) -> None:
    """The outermost header, where it is no Ethernet frame already."""
    if stack.kind == BRIDGED:
        return
    if stack.kind == MPLS:
        _in_ethernet(stack, dice)
        return
    links: list[tuple[int, tuple[Step, ...]]] = [
        (101, ()), (50, (ppp, prefix(_HDLC))), (9, (ppp_compressed,)), (51, (ppp, pppoe)), (104, (cisco_hdlc,)),
        (105, (wifi(qos=True, four_addresses=True),)), (127, (wifi(), radiotap(words=dice.randint(1, 5)))),
        (239, (nflog,)), (1, (ethernet,)),
    ]
    stack.linktype, steps = dice.choice(links)
    stack.put(0, len(steps) + 1, *steps)


def random_stack(dice: random.Random, family: int) -> Stack:
    stack = Stack(IPV4 if family == 4 else IPV6)
    for _ in range(dice.randint(1, 14)):
        layer = dice.choice(_layers_around(stack))
        # A layer adds at most six headers, a tag of its own and a tunnel.
        if stack.headers > _MOST_HEADERS - 6 or len(stack.vlans) >= _MOST_VLANS - 1 \
                or len(stack.tunnels) >= _MOST_TUNNELS:
            break
        layer(stack, dice)
    _put_link(stack, dice)
    return stack


def handshake(number: int, family: int, dice: random.Random) -> list[tuple[bytes, bool]]:
    """IP packets of an attempt of its own, and whether the client sent each."""
    flow = Flow("main", "client", _FIRST_PORT + number, "server", 80, 1000, 5000)
    wire = Wire(ident=number, ipopts=dice.choice((0, 0, 8)) if family == 4 else 0,
                ext=dice.choice(((), (), ("hop", "dst"))) if family == 6 else ())
    parts = [(True, SYN, 1000, 0), (False, SYN | ACK, 5000, 1001), (True, ACK, 1001, 5001)]
    packets = []
    for from_client, flags, seq, ack in parts:
        body = Segment(flow=flow, from_client=from_client, flags=flags, seq=seq, ack=ack)
        packets.append((encode(Packet(line=1, time=0, body=body, wire=wire), family).ip, from_client))
    return packets


def frames_of(stack: Stack, number: int, family: int, dice: random.Random) -> list[bytes]:
    frames = []
    for data, from_client in handshake(number, family, dice):
        inside = Inside(family, data, from_client, (), True)
        stage = Stage(data, IPV4 if family == 4 else IPV6)
        for step in stack.steps:
            stage = step(stage, inside)
        frames.append(stage.data)
    return frames


def records(tcpeek: str, capture: Path) -> dict[int, dict]:
    command = [tcpeek, "-q", "-o", "json", "-c", "2", "-r", str(capture)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return {record["sport"]: record for record in map(json.loads, done.stdout.splitlines())}


def ports_by_tshark(capture: Path) -> list[str]:
    """The last TCP source port of each frame."""
    command = ["tshark", "-n", "-r", str(capture), "-T", "fields", "-E", "occurrence=l", "-e", "tcp.srcport",
               "-o", "ip.defragment:FALSE"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def problem_of(stack: Stack, record: dict | None) -> str:
    wanted = {"result": "success", "tunnel": "/".join(reversed(stack.tunnels)), "vlan": stack.vlans[::-1]}
    if record is None:
        return f"no record, expected {wanted}"
    seen = {"result": record["result"], "tunnel": record.get("tunnel", ""), "vlan": record.get("vlan", [])}
    return "" if seen == wanted else f"{seen}, expected {wanted}"


def check(options: argparse.Namespace, folder: Path) -> list[str]:
    dice = random.Random(options.seed)
    stacks = {number: (dice.choice((4, 6))) for number in range(options.count)}
    made = {number: random_stack(dice, family) for number, family in stacks.items()}
    problems, compared = [], 0
    for linktype in sorted({stack.linktype for stack in made.values()}):
        mine = [number for number, stack in made.items() if stack.linktype == linktype]
        frames, numbers = [], []
        for number in mine:
            for data in frames_of(made[number], number, stacks[number], dice):
                frames.append(Frame(EPOCH + len(frames) * 1_000_000, data, len(data), ""))
                numbers.append(number)
        capture = folder / f"{linktype}.pcap"
        capture.write_bytes(write_pcap(frames, linktype, False, UNLIMITED, "<"))
        found = records(options.tcpeek, capture)
        for number in mine:
            if problem := problem_of(made[number], found.get(_FIRST_PORT + number)):
                problems.append(f"link type {linktype}, stack {number}, IPv{stacks[number]}: {problem}")
        if shutil.which("tshark") is None:
            continue
        for at, port in enumerate(ports_by_tshark(capture)):
            number = numbers[at]
            wanted = 80 if at % 3 == 1 else _FIRST_PORT + number
            if made[number].known_to_tshark:
                compared += 1
                if port != str(wanted):
                    problems.append(f"link type {linktype}, stack {number}: tshark sees port {port}, not {wanted}")
    most = max(made.values(), key=lambda stack: len(stack.tunnels))
    print(f"{options.count} stacks, up to {len(most.tunnels)} tunnels ({'/'.join(reversed(most.tunnels))}); "
          f"{compared} frames compared with tshark; {len(problems)} problems")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a folder for the captures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tcpeek-nesting-") as folder:
        problems = check(options, options.keep or Path(folder))
    for problem in problems[:20]:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
