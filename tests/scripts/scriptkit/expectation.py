"""The `expect` lines: from text to Expected, and from Expected to the JSON object for one variant."""

from __future__ import annotations

import datetime
from typing import Any, Callable

from . import addresses, values
from .model import NS, Expected, Flow, SummaryRow

# All captures begin here (2023-11-14T22:13:20.25Z): a whole second would hide mistakes in fractions.
EPOCH = 1_700_000_000 * NS + 250_000_000

_RECORD_KEYS: dict[str, Callable[[str], Any]] = {
    "elapsed": values.duration, "synack": values.duration, "ack": values.duration, "last": values.duration,
    "dup_syn": int, "dup_synack": int, "history": str, "icmp": str, "from": str, "recovered": bool,
    "start": lambda text: values.duration(text.removeprefix("@")), "filters": values.words,
    "vlan": values.tags, "iface": str, "tunnel": str}
_EVENT_KEYS: dict[str, Callable[[str], Any]] = {
    "at": lambda text: values.duration(text.removeprefix("@")), "by": str, "filters": values.words,
    "start": lambda text: values.duration(text.removeprefix("@"))}
_FAILURES = ("timeout", "reject", "unreach", "abort")


def parse_expected(line: int, flow: Flow, start: int, words: list[str]) -> Expected:
    kind, cause, rest = words[0], words[1] if len(words) > 1 else "", words[2:]
    if not cause or "=" in cause:
        raise ValueError(f"{kind} needs a cause (or an event its name)")
    known = _EVENT_KEYS if kind == "event" else _RECORD_KEYS
    typed = {key: known[key](text) for key, text in values.key_values(rest, known).items()}
    needed = ["at"] if kind == "event" else ["elapsed", "history"]
    needed += ["last"] if kind in _FAILURES else []
    needed += ["from"] if kind == "unreach" or "icmp" in typed else []
    missing = [key for key in needed if key not in typed]
    if missing:
        raise ValueError(f"{kind} needs {', '.join(missing)}")
    if kind == "unreach":
        typed["icmp"] = cause
    if "icmp" in typed:
        values.icmp_types(typed["icmp"])
    typed["reporter"] = typed.pop("from", "")
    typed.setdefault("start", start)
    return Expected(line, flow, kind, cause, **typed)


def parse_summary(line: int, raw: str) -> SummaryRow:
    """`expect summary [BLOCK:] LABEL = VALUE`; without a block the row stands in the block `capture`."""
    text = raw.partition("summary")[2].partition("#")[0].strip()
    left, equals, value = text.rpartition(" = ")
    block, colon, label = left.partition(": ")
    if not equals or not value.strip():
        raise ValueError("expect summary is written: expect summary [BLOCK:] LABEL = VALUE")
    return SummaryRow(line, block.strip() if colon else "capture", (label if colon else left).strip(), value.strip())


def timestamp(time: int) -> str:
    seconds, fraction = divmod(EPOCH + time, NS)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S") + f".{fraction:09d}Z"


def to_json(expected: Expected, family: int, vlans: tuple[int, ...], iface: str, tunnel: str) -> dict[str, Any]:
    """The object in the order of keys that FORMATS shows; `vlans`, `iface`, `tunnel` are the variant's own."""
    flow = expected.flow
    ends = {"src": addresses.text(flow.client, family), "sport": flow.cport,
            "dst": addresses.text(flow.server, family), "dport": flow.sport}
    if expected.kind == "event":
        by = {"by": expected.by} if expected.by else {}
        return {"event": expected.cause, **by, "time": timestamp(expected.at), "start": timestamp(expected.start),
                **ends, "filters": list(expected.filters)}
    record: dict[str, Any] = {"start": timestamp(expected.start), **ends, "result": expected.kind,
                              "cause": expected.cause, "elapsed_ns": expected.elapsed}
    for key in ("synack", "ack"):
        if getattr(expected, key) is not None:
            record[f"{key}_ns"] = getattr(expected, key)
    record |= {"dup_syn": expected.dup_syn, "dup_synack": expected.dup_synack, "history": expected.history,
               "filters": list(expected.filters)}
    if expected.iface or iface:
        record["interface"] = expected.iface or iface
    if expected.icmp:
        kind, code = values.icmp_types(expected.icmp)[0 if family == 4 else 1] or (0, 0)
        record["icmp"] = {"type": kind, "code": code, "from": addresses.text(expected.reporter, family)}
        if expected.kind == "unreach":
            record["cause"] = f"icmp{'' if family == 4 else 'v6'}_{kind}_{code}"
    if expected.tunnel or tunnel:
        record["tunnel"] = expected.tunnel or tunnel
    tags = vlans if expected.vlan is None else expected.vlan
    if tags:
        record["vlan"] = list(tags)
    if expected.recovered:
        record["recovered"] = True
    if expected.last is not None:
        record["last_packet_ns"] = expected.last
    return record
