#!/usr/bin/env python3
"""The schemas themselves: they are closed, described and strict. Wrong outputs must be found, among
them every example of the schemas with a key renamed or removed."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

import schemas
from schemas import Schema
from validation import Account, Draft202012Validator, conclude, validator_of

# What no tcpeek may print: where it is put into an example (None: left out), and what. The last step
# of a place may be a new key.
SESSION, UNREACH = "json-lines", "json-lines/1"
WRONG: list[tuple[str, tuple[str | int, ...], Any]] = [
    (SESSION, ("start",), "2012-07-06T07:39:02.552Z"),
    (SESSION, ("start",), "2012-07-06 16:39:02.552123456"),
    (SESSION, ("src",), "[2001:db8::1]"),
    (SESSION, ("src",), "client.example"),
    (SESSION, ("sport",), 65536),
    (SESSION, ("dport",), "80"),
    (SESSION, ("result",), "ok"),
    (SESSION, ("result",), "timeout"),
    (SESSION, ("cause",), "refused"),
    (SESSION, ("elapsed_ns",), -1),
    (SESSION, ("elapsed_ns",), 0.5),
    (SESSION, ("synack_ns",), None),
    (SESSION, ("history",), ""),
    (SESSION, ("history",), "SI"),
    (SESSION, ("history",), "ShA+"),
    (SESSION, ("history",), "S" * 33),
    (SESSION, ("filters",), []),
    (SESSION, ("interface",), ""),
    (SESSION, ("recovered",), False),
    (SESSION, ("last_packet_ns",), 0),
    (SESSION, ("capture_loss",), True),
    (SESSION, ("vlan",), []),
    (SESSION, ("vlan",), [4096]),
    (SESSION, ("tunnel",), "vxlan,gre"),
    (SESSION, ("event",), "unaccepted"),
    (UNREACH, ("cause",), "icmp_3_4"),
    (UNREACH, ("cause",), "icmpv6_2_0"),
    (UNREACH, ("cause",), "icmp_error"),
    (UNREACH, ("icmp", "from"), "router"),
    (UNREACH, ("icmp", "type"), 256),
    (UNREACH, ("ack_ns",), 1),
    ("get", (0, "pcap"), {"stats": {"recv": 0, "drop": 0, "ifdrop": 0}}),
    ("get", (0, "RX", "success", "total"), -1),
    ("get", (0, "RX", "success", "total"), 2**64),
    ("get", (0, "TX"), {}),
    ("get", (1, "pcap", "stats"), {}),
    ("refresh", (0, "a:b"), {}),
    ("refresh", (0, "RX", "failure", "total"), 1.5),
    ("error", ("error",), ""),
]
REMOVED: list[tuple[str, tuple[str | int, ...]]] = [
    (UNREACH, ("icmp",)), (UNREACH, ("last_packet_ns",)), ("get", (1,)), ("refresh", (0,)),
]


def nodes(node: Any) -> Iterator[Schema]:
    """Every part of a schema that says what values there may be."""
    if isinstance(node, list):
        for item in node:
            yield from nodes(item)
    elif isinstance(node, dict):
        yield node
        for keyword, below in node.items():
            if keyword not in ("examples", "required", "enum", "const"):
                yield from nodes(list(below.values()) if keyword in ("properties", "patternProperties")
                                 else below)


def faults(name: str) -> Iterator[str]:
    Draft202012Validator.check_schema(schemas.read(name))
    tree = schemas.load(name)
    for node in nodes(tree):
        if node.get("type") == "object" and "additionalProperties" not in node:
            yield f"not closed: {json.dumps(node)[:80]}"
        for key in set(node.get("required", ())) - set(node.get("properties", ())):
            if "properties" in node:
                yield f"requires {key}, which it does not know"
    # A branch may narrow a key that is described and required beside it.
    keys: dict[str, list[schemas.Key]] = {}
    for key in schemas.keys_of(tree):
        keys.setdefault(key.path, []).append(key)
    for path, same in keys.items():
        about = " ".join(key.schema.get("description", "") for key in same).strip()
        if not same[0].is_value and not about.endswith("."):
            yield f"{path} has no description"
        optional = (not any(key.required or key.is_value for key in same)
                    and path.rpartition(".")[2] not in schemas.PLACEHOLDERS)
        if optional and "absent" not in about.lower():
            yield f"the description of {path} does not say when it is absent"


def examples(node: Any) -> list[Any]:
    """Of the schema and of the parts that have some."""
    return [example for part in nodes(node) for example in part.get("examples", ())]


def damaged(example: str, place: tuple[str | int, ...], *put: Any) -> tuple[str, str]:
    """The schema's name, and its example (NAME/NUMBER, or the first) with something else at a place;
    with nothing there, if nothing is given."""
    name, _, number = example.partition("/")
    value = examples(schemas.load(name))[int(number or 0)]
    *way, last = place
    holder = value
    for step in way:
        holder = holder[step]
    if put:
        holder[last] = put[0]
    else:
        del holder[last]
    return name, json.dumps(value)


def main() -> int:
    accounts = [Account(name) for name in schemas.NAMES]
    for account in accounts:
        for fault in faults(account.name):
            account.report("the schema", fault)
        for example in examples(account.schema):
            account.check("an example", json.dumps(example))
    # An example of STATS would fill a page; its own test has real answers, and damages those.
    accounts = [account for account in accounts if account.name != "stats" or account.problems]
    wrong = [damaged(*row) for row in [*WRONG, *REMOVED]]
    missed = [text for name, text in wrong
              if validator_of(schemas.load(name)).is_valid(json.loads(text))]
    for text in missed:
        print(f"should not be valid: {text}")
    print(f"{len(wrong)} wrong outputs, {len(missed)} missed")
    return 1 if missed else conclude(accounts)


if __name__ == "__main__":
    sys.exit(main())
