"""One variant's run: the program's output against what the script expects."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import addresses, summary
from .expectation import EPOCH, to_json
from .model import Script
from .variants import Expansion, Variant

_TIMEOUT = 20


@dataclass(frozen=True)
class Failure:
    script: str
    variant: str
    problems: list[str]


def expected_objects(script: Script, variant: Variant) -> list[dict[str, Any]]:
    return [to_json(e, variant.family, variant.link.vlans, variant.iface, variant.link.tunnel)
            for e in script.expected]


def arguments(script: Script, variant: Variant, capture: str) -> list[str]:
    options = [addresses.substitute(option, variant.family) for option in script.options]
    return ["-r", capture, "-o", "json", *options]


def _same(got: dict[str, Any], wanted: dict[str, Any]) -> bool:
    """Equality in keys, values and the order of keys."""
    return list(got.items()) == list(wanted.items())


def compare_records(text: str, wanted: list[dict[str, Any]]) -> list[str]:
    try:
        got = [json.loads(line) for line in text.splitlines()]
    except ValueError:
        return [f"standard output is no JSON lines: {text!r}"]
    problems = []
    for number in range(max(len(got), len(wanted))):
        mine = wanted[number] if number < len(wanted) else None
        theirs = got[number] if number < len(got) else None
        if mine is None or theirs is None or not _same(theirs, mine):
            problems.append(f"expected {json.dumps(mine) if mine else 'nothing more'}")
            problems.append(f"got      {json.dumps(theirs) if theirs else 'nothing more'}")
            if mine and theirs:
                keys = [k for k in mine | theirs if mine.get(k) != theirs.get(k)] or ["the order of keys"]
                problems.append(f"         differs in: {', '.join(keys)}")
    return problems


def compare_summary(script: Script, text: str, objects: list[dict[str, Any]]) -> list[str]:
    """The summary must agree with the records; what a script states of it stands above what follows from them."""
    blocks = summary.read(text)
    if not blocks:
        return [f"no summary on standard error: {text!r}"]
    names = [name for name in blocks if name not in ("", "capture", "details")]
    icmp = "--icmp" in script.options
    wanted = summary.derived(names, objects, len(script.packets), icmp)
    for row in script.summary:
        wanted.setdefault(row.block, {})[row.label] = row.value
    missing = [name for name in wanted if name not in blocks]
    problems = [f"the summary has no block {name}" for name in missing]
    for name in (n for n in wanted if n in blocks):
        if wanted[name] != blocks[name]:
            problems.append(f"summary {name}: expected {wanted[name]}")
            problems.append(f"summary {name}: got      {blocks[name]}")
    return problems


def run_variant(script: Script, expansion: Expansion, variant: Variant, tcpeek: str, capture: Path) -> list[str]:
    """Writes the capture and returns what is wrong; empty when nothing is."""
    capture.write_bytes(expansion.capture(variant))
    command = [tcpeek, *arguments(script, variant, str(capture))]
    environment = {**os.environ, "TZ": "UTC"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT, env=environment,
                              stdin=subprocess.DEVNULL, close_fds=False, check=False)
    except subprocess.TimeoutExpired:
        return [f"tcpeek did not end within {_TIMEOUT} s"]
    if done.returncode != 0:
        return [f"exit status {done.returncode}", done.stderr.strip()]
    objects = expected_objects(script, variant)
    return compare_records(done.stdout, objects) + compare_summary(script, done.stderr, objects)


def new_expansion(script: Script) -> Expansion:
    return Expansion(script, EPOCH)
