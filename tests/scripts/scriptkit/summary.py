"""The summary on standard error: read it, and say what it must hold given the expected records."""

from __future__ import annotations

from typing import Any

Blocks = dict[str, dict[str, str]]


def read(text: str) -> Blocks:
    """Rows by label, by block; the head block has the name "". Empty when there is no summary."""
    lines = text.splitlines()
    try:
        start = next(i for i, line in enumerate(lines) if line.startswith("========== TCPEEK SUMMARY"))
    except StopIteration:
        return {}
    blocks: Blocks = {"": {}}
    current = blocks[""]
    for line, following in zip(lines[start + 1 :], lines[start + 2 :] + [""]):
        if line.startswith("-----"):
            current = blocks.setdefault(following.strip(), {})
        elif ":" in line:
            label, _, value = line.partition(":")
            current[label.strip()] = value.strip()
    return blocks


def _filter_rows(records: list[dict[str, Any]], events: list[dict[str, Any]], icmp: bool) -> dict[str, str]:
    results = [record["result"] for record in records]
    successes = [record for record in records if record["result"] == "success"]
    failures = {"Connection Timed Out": "timeout", "Connection Rejected": "reject"}
    if icmp or "unreach" in results:
        failures["ICMP Unreachable"] = "unreach"
    if "abort" in results:
        failures["Connection Aborted"] = "abort"
    rows = {
        "Success": f"{len(successes)} session",
        "SYN Segment Duplicate": str(sum(record["dup_syn"] > 0 for record in successes)),
        "S/A Segment Duplicate": str(sum(record["dup_synack"] > 0 for record in successes)),
        "Failure": f"{sum(r in ('timeout', 'reject', 'unreach', 'abort') for r in results)} session",
    }
    rows |= {label: str(results.count(result)) for label, result in failures.items()}
    optional = {
        "Unjudged": (results.count("unjudged"), " session"),
        "Not Accepted by Server": (sum(e["event"] == "unaccepted" for e in events), ""),
        "Reset before any Data": (sum(e["event"] == "reset_early" for e in events), ""),
    }
    return rows | {label: f"{count}{unit}" for label, (count, unit) in optional.items() if count}


def derived(names: list[str], objects: list[dict[str, Any]], packets: int, icmp: bool) -> Blocks:
    """What the blocks of the filters `names`, and the capture's, must say when `objects` were printed."""
    blocks: Blocks = {}
    for name in names:
        mine = [o for o in objects if name in o["filters"]]
        records = [o for o in mine if "result" in o]
        blocks[name] = _filter_rows(records, [o for o in mine if "event" in o], icmp)
    pending = sum(o.get("result") == "pending" for o in objects)
    blocks["capture"] = {
        "Packets received": str(packets), "Dropped by kernel": "0", "Dropped by interface": "0",
        "Sessions pending": str(pending), "Sessions evicted": "0"}
    return blocks
