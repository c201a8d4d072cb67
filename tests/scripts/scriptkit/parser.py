"""Text of a script to a Script. The language is described in ../README.md."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Callable, Optional

from . import addresses, values
from .expectation import parse_expected, parse_summary
from .model import ACK, RST, SYN, Flow, IcmpError, Packet, RawFrame, Script, ScriptError, Segment, Tick, Wire
from .variants import DIMENSIONS

_MAIN = Flow("main", "client", 40000, "server", 80, 0x10000000, 0x18000000)

_FLOW_KEYS: dict[str, Callable[[str], Any]] = {
    "client": str, "cport": int, "server": str, "sport": int, "isn": str, "server_isn": str}
_WIRE_KEYS: dict[str, Callable[[str], Any]] = {
    "id": int, "ttl": int, "ipopts": int, "ext": values.words, "frag": str, "iplen": str,
    "sum": str, "captured": int, "iface": str, "vlan": values.tags}
_SEGMENT_KEYS: dict[str, Callable[[str], Any]] = {
    "seq": str, "ack": str, "len": int, "tsval": int, "tsecr": int, "mss": int, "doff": int, "repeat": int}
_ICMP_KEYS: dict[str, Callable[[str], Any]] = {
    "from": str, "to": str, "quote": str, "seq": str, "tcp": int, "qopts": int, "qext": values.words, "parts": str}
_COPY_KEYS: dict[str, Callable[[str], Any]] = {
    "ttl": int, "mss": int, "id": int, "iface": str, "vlan": values.tags, "sum": str}
_CHOICES = {
    "frag": {"first", "later", "tiny", "atomic"},
    "sum": {"bad-ip", "bad-tcp", "bad-icmp", "offload"},
    "quote": {"syn", "synack", "ack"},
    "ext": {"hop", "dst", "route", "ah", "jumbo", "detour", "segments", "mobile", "home"},
    "qext": {"hop", "dst", "route", "ah", "detour", "segments", "mobile", "home"},
    "from": addresses.NAMES, "to": addresses.NAMES, "client": addresses.NAMES, "server": addresses.NAMES}
RESULTS = ("success", "timeout", "reject", "unreach", "abort", "unjudged", "pending", "event")


def _typed(words: list[str], known: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
    """key=value words as values of the key's own type."""
    typed = {}
    for key, text in values.key_values(words, known).items():
        try:
            typed[key] = known[key](text)
        except ValueError:
            raise ValueError(f"'{text}' is no value for {key}") from None
        given = typed[key] if isinstance(typed[key], tuple) else (typed[key],)
        if key in _CHOICES and not set(given) <= _CHOICES[key]:
            raise ValueError(f"'{text}' is no value for {key} (known: {', '.join(sorted(_CHOICES[key]))})")
    return typed


class Parser:
    def __init__(self, path: str, text: str) -> None:
        self.script = Script(path, "", text=text.splitlines())
        self.flows = {"main": _MAIN}
        self.lets: dict[str, int] = {}
        self.line = 0
        self.now = 0
        self.ident = 0
        self.expects_none = False

    def parse(self) -> Script:
        for self.line, raw in enumerate(self.script.text, 1):
            if raw.startswith("#") and not self.script.purpose:
                self.script.purpose = raw.lstrip("# ")
            words = raw.partition("#")[0].split()
            if not words:
                continue
            if not self.script.purpose:
                raise self._error("a script begins with a comment that says what it shows")
            try:
                self._statement(words, raw)
            except ValueError as error:
                raise self._error(str(error)) from None
        self._check_whole()
        return self.script

    def _error(self, what: str) -> ScriptError:
        return ScriptError(self.script.path, self.line, what)

    def _statement(self, words: list[str], raw: str) -> None:
        if words[0][0] in "+-@":
            self._packet(words)
        elif words[0] in ("option", "only", "flow", "let", "expect"):
            getattr(self, f"_{words[0]}")(words[1:], raw)
        else:
            raise ValueError(f"'{words[0]}' begins no statement (option, only, flow, let, expect, or a time)")

    def _option(self, words: list[str], _raw: str) -> None:
        if not words:
            raise ValueError("option needs the argument that tcpeek is given")
        self.script.options += words

    def _only(self, words: list[str], _raw: str) -> None:
        for word in words:
            for dimension, members in DIMENSIONS.items():
                if word in members:
                    self.script.only.setdefault(dimension, set()).add(word)
                    break
            else:
                raise ValueError(f"'{word}' names no family, link type, resolution, container or cut")

    def _flow(self, words: list[str], _raw: str) -> None:
        if not words or words[0] in RESULTS or not words[0].isidentifier():
            raise ValueError("flow needs a name of its own")
        name, typed = words[0], _typed(words[1:], _FLOW_KEYS)
        if name in self.flows and name != "main":
            raise ValueError(f"flow {name} exists already")
        index = len(self.flows)
        base = self.flows["main"]
        isn = self._number(typed.pop("isn", str(0x10000000 * (index + 1))))
        server_isn = self._number(typed.pop("server_isn", str(0x10000000 * (index + 1) + 0x8000000)))
        self.flows[name] = replace(base, name=name, isn=isn, server_isn=server_isn, **typed)

    def _let(self, words: list[str], _raw: str) -> None:
        if len(words) != 3 or words[1] != "=" or not words[0].isidentifier():
            raise ValueError("let is written: let NAME = VALUE")
        self.lets[words[0]] = self._number(words[2])

    def _expect(self, words: list[str], raw: str) -> None:
        if words == ["none"]:
            self.expects_none = True
        elif words and words[0] == "summary":
            self.script.summary.append(parse_summary(self.line, raw))
        else:
            flow = self.flows["main"]
            if words and words[0] in self.flows:
                flow = self.flows[words.pop(0)]
            if not words or words[0] not in RESULTS:
                raise ValueError(f"expect needs none, summary, or a result ({', '.join(RESULTS)})")
            start = self._start_of(flow)
            self.script.expected.append(parse_expected(self.line, flow, start, words))

    def _start_of(self, flow: Flow) -> int:
        """A record starts with its flow's first SYN unless the script says otherwise."""
        for packet in self.script.packets:
            body = packet.body
            if isinstance(body, Segment) and body.flow == flow and body.from_client and body.flags & SYN:
                return packet.time
        return 0

    def _number(self, text: str, flow: Optional[Flow] = None) -> int:
        def lookup(name: str) -> Optional[int]:
            owner, _, letter = name.rpartition(".")
            chosen = self.flows.get(owner) if owner else (flow or self.flows["main"])
            if chosen and letter in ("C", "S"):
                return chosen.isn if letter == "C" else chosen.server_isn
            return None if owner else self.lets.get(name)

        return values.sequence_number(text, lookup)

    def _packet(self, words: list[str]) -> None:
        self._advance(words[0])
        if len(words) < 2:
            raise ValueError("a time is followed by a packet: >, <, !, copy, tick or frame")
        if words[1] == "tick":
            protocol = words[2] if len(words) > 2 else "tcp"
            if protocol not in ("tcp", "udp"):
                raise ValueError("tick is tcp (the default) or udp")
            self._add(Tick(protocol), Wire(ident=self._next_ident()))
        elif words[1] == "copy":
            self._copy(words[2:])
        elif words[1] == "frame":
            self._frame(words[2:])
        else:
            self._directed(words[1], words[2:])

    def _advance(self, word: str) -> None:
        amount = values.duration(word[1:])
        self.now = {"+": self.now + amount, "-": self.now - amount, "@": amount}[word[0]]
        if amount % 1000 and self.script.only.get("resolution") != {"ns"}:
            raise ValueError("a time below a microsecond needs `only ns`")

    def _directed(self, arrow: str, rest: list[str]) -> None:
        flow = self.flows.get(arrow[:-1] or "main")
        if arrow[-1] not in "<>!" or flow is None:
            raise ValueError(f"'{arrow}' is no packet (>, <, !, copy, tick, or FLOW> with a flow's name)")
        if not rest:
            raise ValueError("the packet's flags (or ICMP type) are missing")
        if arrow[-1] == "!":
            self._icmp(flow, rest)
        else:
            self._segment(flow, arrow[-1] == ">", rest)

    def _segment(self, flow: Flow, from_client: bool, rest: list[str]) -> None:
        flags = values.flags(rest[0])
        if flags is None and rest[0] != "0":
            raise ValueError(f"'{rest[0]}' are no TCP flags (letters of SAFRPUEWN, or 0)")
        typed = _typed(rest[1:], {**_SEGMENT_KEYS, **_WIRE_KEYS})
        wire = self._wire(typed)
        repeat = typed.pop("repeat", 1)
        segment = self._build_segment(flow, from_client, flags or 0, typed)
        step = self.now - (self.script.packets[-1].time if self.script.packets else 0)
        self._add(segment, wire)
        for _ in range(repeat - 1):
            self.now += step
            self._add(segment, replace(wire, ident=self._next_ident()))

    def _build_segment(self, flow: Flow, from_client: bool, flags: int, typed: dict[str, Any]) -> Segment:
        own, peer = (flow.isn, flow.server_isn) if from_client else (flow.server_isn, flow.isn)
        seq, ack = (own if flags & SYN else own + 1), (peer + 1 if flags & ACK else 0)
        if flags & RST:
            seq = 0 if flags & ACK and not from_client else own + 1
        for key, default in (("seq", seq), ("ack", ack)):
            typed[key] = self._number(typed.get(key, str(default)), flow)
        if "tsval" in typed:
            typed.setdefault("tsecr", 0)
        return Segment(flow, from_client, flags, length=typed.pop("len", 0), **typed)

    def _wire(self, typed: dict[str, Any]) -> Wire:
        """Takes the keys below TCP out of `typed`."""
        below = {key: typed.pop(key) for key in list(typed) if key in _WIRE_KEYS}
        own_ident = self._next_ident()
        return Wire(ident=below.pop("id", own_ident), **below)

    def _icmp(self, flow: Flow, rest: list[str]) -> None:
        v4, v6 = values.icmp_types(rest[0])
        typed = _typed(rest[1:], {**_ICMP_KEYS, **_WIRE_KEYS})
        wire = self._wire(typed)
        kind = typed.get("quote", "syn")
        from_client = kind != "synack"
        numbers = {"seq": typed["seq"]} if "seq" in typed else {}
        flags = {"syn": SYN, "synack": SYN | ACK, "ack": ACK}[kind]
        quote = self._build_segment(flow, from_client, flags, numbers)
        to = typed.get("to", flow.client if from_client else flow.server)
        self._add(IcmpError(flow, v4, v6, typed.get("from", "router"), to, quote, typed.get("tcp"),
                            typed.get("qopts", 0), typed.get("qext", ()), typed.get("parts", "")), wire)
        for family, given in (("v6", v4), ("v4", v6)):
            if given is None and self.script.only.get("family") != {family}:
                raise ValueError(f"an ICMP error without counterpart needs `only {family}`")

    def _copy(self, rest: list[str]) -> None:
        """The packet before (or `copy 2`: the one before that) once more, as another point of capture sees it."""
        back = int(rest.pop(0)) if rest and rest[0].isdigit() else 1
        if not 1 <= back <= len(self.script.packets):
            raise ValueError("copy needs a packet before it")
        original = self.script.packets[-back]
        typed = _typed(rest, _COPY_KEYS)
        body = original.body
        if "mss" in typed:
            if not isinstance(body, Segment):
                raise ValueError("mss is for a copy of a segment")
            body = replace(body, mss=typed.pop("mss"))
        if "id" in typed:
            typed["ident"] = typed.pop("id")
        self._add(body, replace(original.wire, **typed))

    def _frame(self, rest: list[str]) -> None:
        """Hexadecimal digits; `33*81000001` is so many times what follows."""
        data = b""
        for word in rest:
            count, _, digits = word.rpartition("*")
            data += bytes.fromhex(digits) * (int(count) if count else 1)
        if len(self.script.only.get("link", ())) != 1:
            raise ValueError("a frame of bytes needs `only` with one link type")
        self._add(RawFrame(data), Wire())

    def _next_ident(self) -> int:
        self.ident += 1
        return self.ident

    def _add(self, body: Any, wire: Wire) -> None:
        self.script.packets.append(Packet(self.now, self.line, body, wire))

    def _check_whole(self) -> None:
        self.line = max(1, len(self.script.text))
        if not self.script.packets:
            raise self._error("the script has no packet")
        if self.expects_none and self.script.expected:
            raise self._error("`expect none` and an expected record contradict each other")
        if not (self.expects_none or self.script.expected):
            raise self._error("the script expects nothing (`expect none` if that is meant)")
        wires = [packet.wire for packet in self.script.packets]
        if any(w.iface for w in wires) and self.script.only.get("container") != {"pcapng"}:
            raise self._error("iface= needs `only pcapng`")
        if any(w.vlan is not None for w in wires) and self.script.only.get("link") != {"eth"}:
            raise self._error("vlan= needs `only eth`")
        if any(w.ext or w.frag == "atomic" for w in wires) and self.script.only.get("family") != {"v6"}:
            raise self._error("ext= and frag=atomic need `only v6`")
        if any(w.ipopts for w in wires) and self.script.only.get("family") != {"v4"}:
            raise self._error("ipopts= needs `only v4`")


def parse_text(path: str, text: str) -> Script:
    return Parser(path, text).parse()


def parse_file(path: Path, shown: Optional[str] = None) -> Script:
    return parse_text(shown or str(path), path.read_text(encoding="utf-8"))


