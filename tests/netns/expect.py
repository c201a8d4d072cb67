"""What tcpeek must have printed, as values that compare exactly with what it did print."""

from __future__ import annotations

import dataclasses
import datetime
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from traffic import Flow

NANO = 1_000_000_000

# The keys of FORMATS.md, "JSON lines".
_ALWAYS = [
    "start", "src", "sport", "dst", "dport", "result", "cause", "elapsed_ns", "dup_syn",
    "dup_synack", "history", "filters",
]
_SOMETIMES = {
    "synack_ns", "ack_ns", "interface", "icmp", "tunnel", "vlan", "recovered", "last_packet_ns",
    "capture_loss",
}
_START = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")


@dataclass(frozen=True)
class Icmp:
    type: int
    code: int
    sender: str


@dataclass(frozen=True)
class Session:
    """One JSON record without its times. A history of None is not compared."""

    flow: Flow
    result: str
    cause: str
    history: str | None
    filters: tuple[str, ...]
    dup_syn: int = 0
    dup_synack: int = 0
    interface: str | None = None
    icmp: Icmp | None = None
    vlan: tuple[int, ...] = ()
    recovered: bool = False

    def __str__(self) -> str:
        extra = [
            f"{name}={value}"
            for name, value in (
                ("dup_syn", self.dup_syn),
                ("dup_synack", self.dup_synack),
                ("icmp", self.icmp),
                ("vlan", self.vlan),
                ("recovered", self.recovered),
            )
            if value
        ]
        return (
            f"{self.flow} {self.result}/{self.cause} {self.history}"
            f" filters={','.join(self.filters)} on {self.interface} {' '.join(extra)}"
        ).rstrip()


@dataclass(frozen=True)
class Event:
    """What was told after a success."""

    flow: Flow
    kind: str
    filters: tuple[str, ...]
    by: str | None = None

    def __str__(self) -> str:
        return f"{self.flow} event {self.kind} by {self.by} filters={','.join(self.filters)}"


def instant(stamp: str) -> int:
    """A record's time in nanoseconds since 1970."""
    seconds, _, fraction = stamp.removesuffix("Z").partition(".")
    moment = datetime.datetime.fromisoformat(seconds + "+00:00")
    return int(moment.timestamp()) * NANO + int(fraction)


def _flow_of(record: dict[str, Any]) -> Flow:
    return Flow(record["src"], record["sport"], record["dst"], record["dport"])


def session_of(record: dict[str, Any]) -> Session:
    icmp = record.get("icmp")
    return Session(
        flow=_flow_of(record),
        result=record["result"],
        cause=record["cause"],
        history=record["history"],
        filters=tuple(record["filters"]),
        dup_syn=record["dup_syn"],
        dup_synack=record["dup_synack"],
        interface=record.get("interface"),
        icmp=Icmp(icmp["type"], icmp["code"], icmp["from"]) if icmp else None,
        vlan=tuple(record.get("vlan", ())),
        recovered=record.get("recovered", False),
    )


def event_of(record: dict[str, Any]) -> Event:
    return Event(_flow_of(record), record["event"], tuple(record["filters"]), record.get("by"))


def form_faults(record: dict[str, Any], timeout: int) -> list[str]:
    """What is wrong with a record whatever the scene: keys, and times that contradict it."""
    if "event" in record:
        stamps = [record.get("time", ""), record.get("start", "")]
        return [f"bad time {stamp!r}" for stamp in stamps if not _START.fullmatch(stamp)]
    faults = [f"key {key} is missing" for key in _ALWAYS if key not in record]
    faults += [f"unknown key {key}" for key in record if key not in {*_ALWAYS, *_SOMETIMES}]
    if faults:
        return faults
    if not _START.fullmatch(record["start"]):
        faults.append(f"bad time {record['start']!r}")
    return faults + _time_faults(record, timeout)


def _time_faults(record: dict[str, Any], timeout: int) -> list[str]:
    faults = []
    elapsed = record["elapsed_ns"]
    if elapsed < 0:
        faults.append("elapsed_ns is negative")
    if record["history"] in ("ShA", "ShD"):
        parts = (record.get("synack_ns"), record.get("ack_ns"))
        if None in parts or sum(parts) != elapsed:
            faults.append(f"synack_ns and ack_ns are {parts}, elapsed_ns is {elapsed}")
    if record["result"] == "timeout" and record["cause"] != "superseded":
        if record.get("last_packet_ns", -1) + timeout * NANO != elapsed:
            faults.append(
                f"a timeout falls {timeout} s after the last packet: last_packet_ns is "
                f"{record.get('last_packet_ns')}, elapsed_ns {elapsed}"
            )
    if record.get("capture_loss"):
        faults.append("capture_loss: this machine was too slow for the scene")
    return faults


def difference(expected: Iterable[Session | Event], got: Iterable[Session | Event]) -> list[str]:
    """The lines that are only on one side; equal multisets give none."""
    left = list(got)
    missing = []
    for item in expected:
        match = next((other for other in left if _same(item, other)), None)
        if match is None:
            missing.append(item)
        else:
            left.remove(match)
    return [f"expected, not there: {item}" for item in missing] + [
        f"there, not expected: {item}" for item in left
    ]


def _same(expected: Session | Event, got: Session | Event) -> bool:
    if isinstance(expected, Session) and isinstance(got, Session) and expected.history is None:
        got = dataclasses.replace(got, history=None)
    return expected == got


# --- the summary ------------------------------------------------------------------------------

Rows = dict[str, int]


def expected_rows(items: Iterable[Session | Event], name: str, icmp: bool) -> Rows:
    """The rows of one filter's block, in their order."""
    mine = [item for item in items if name in item.filters]
    sessions = [item for item in mine if isinstance(item, Session)]
    events = [item for item in mine if isinstance(item, Event)]
    successes = [item for item in sessions if item.result == "success"]

    def count(result: str) -> int:
        return sum(item.result == result for item in sessions)

    def told(kind: str) -> int:
        return sum(item.kind == kind for item in events)

    failures = sum(count(result) for result in ("timeout", "reject", "unreach", "abort"))
    rows = {
        "Success": len(successes),
        "SYN Segment Duplicate": sum(item.dup_syn > 0 for item in successes),
        "S/A Segment Duplicate": sum(item.dup_synack > 0 for item in successes),
    }
    _add_unless_zero(rows, "Not Accepted by Server", told("unaccepted"))
    _add_unless_zero(rows, "Reset before any Data", told("reset_early"))
    rows["Failure"] = failures
    rows["Connection Timed Out"] = count("timeout")
    rows["Connection Rejected"] = count("reject")
    if icmp:
        rows["ICMP Unreachable"] = count("unreach")
    _add_unless_zero(rows, "Connection Aborted", count("abort"))
    _add_unless_zero(rows, "Unjudged", count("unjudged"))
    return rows


def _add_unless_zero(rows: Rows, label: str, value: int) -> None:
    if value:
        rows[label] = value


_RULE = "-" * 36
_HEAD = re.compile(
    r"========== TCPEEK SUMMARY ==========\n"
    r"     from : \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n"
    r"       to : \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n"
    r"     time : (?=.{13} \(sec\)) *\d+\.\d{3} \(sec\)\n" + _RULE + "\n"
)
_TOTAL = re.compile(r"   (Success|Failure|Unjudged): (\d+) session")
# As FORMATS.md prints them, padding and all.
_LABELS = (
    "  of which doubtful   ",
    "SYN Segment Duplicate ",
    "S/A Segment Duplicate ",
    "Not Accepted by Server ",
    "Reset before any Data  ",
    "Connection Timed Out  ",
    "Connection Rejected   ",
    "ICMP Unreachable      ",
    "Connection Aborted    ",
)
_ROW = re.compile(rf"     ({'|'.join(_LABELS)}): (?=.{{6}})( *\d+)")
_DETAIL_ROW = re.compile(r"   ([a-z_0-9 ]{22}): (?=.{10})( *\d+)")
_CAPTURE_ROW = re.compile(r"   ([A-Z][A-Za-z/ ]{21}): (?=.{10})( *\d+)")


def parse_summary(text: str) -> dict[str, Rows]:
    """The rows by block (a filter's name, `capture` or `details`); a ValueError tells the line that is no
    summary's."""
    head = _HEAD.match(text)
    if not head:
        raise ValueError(f"this is not the head of a summary: {text[:200]!r}")
    blocks: dict[str, Rows] = {}
    name = ""
    for line in text[head.end() :].splitlines():
        row = {"capture": _CAPTURE_ROW, "details": _DETAIL_ROW}.get(name, _ROW).fullmatch(line)
        row = row or _TOTAL.fullmatch(line)
        if line == "=" * 36:
            return blocks
        if line == _RULE:
            name = ""
        elif not name and line.startswith(" "):
            name = line[1:]
            blocks[name] = {}
        elif row:
            blocks[name][row[1].rstrip()] = int(row[2])
        else:
            raise ValueError(f"not a line of a summary: {line!r}")
    raise ValueError("the summary has no last line")
