#!/usr/bin/env python3
"""Makes docs/json.md from the schemas of docs/schema. Usage: reference.py [--check]: with it, nothing
is written, and the difference from what is there is an error."""

from __future__ import annotations

import difflib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import schemas
from schemas import Schema

TARGET = schemas.FOLDER.parent / "json.md"
HEAD = """# JSON

Everything that tcpeek prints as JSON. This page is made from the schemas in [schema](schema)
([JSON Schema](https://json-schema.org) 2020-12), which programs can validate against: change those
and run `tests/schema/reference.py`. Keys may be added, none of these changes or goes. Counters are
64 bits wide: read them as integers, not as floating point numbers.

*There* says whether a key always is there; where it is not, its meaning says when it is absent. `NAME`
stands for the name of a filter or an interface, `CAUSE` for a cause of `unreach`, `[]` for every
element of an array.
"""


def kind_of(node: Schema) -> str:
    if "const" in node:
        return json.dumps(node["const"])
    if "enum" in node:
        return ", ".join(json.dumps(value) for value in node["enum"])
    if node.get("type") == "array":
        return f"array of {node['items']['type']}s"
    names = node["type"] if isinstance(node["type"], list) else [node["type"]]
    largest = node.get("maximum")
    bounds = ""
    if largest is not None and largest <= 65535:
        bounds = f", {node['minimum']} to {largest}"
    return " or ".join(names) + bounds


def anchor(title: str) -> str:
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def link(title: str) -> str:
    return f"[{title}](#{anchor(title)})"


def rows(node: Schema, prefix: str, titled: dict[str, Schema]) -> Iterator[str]:
    """A row for each key below `node`. What has a title has a table of its own: it is put into
    `titled`."""
    named = [(key, below, "always" if key in node.get("required", ()) else "optional")
             for key, below in node.get("properties", {}).items()]
    named += [(placeholder, below, "") for placeholder, below in schemas.open_keys(node)]
    for key, below, there in named:
        path, kind, inner = f"{prefix}{key}", kind_of(below), below
        if "title" in below:
            titled[below["title"]] = {**below, "description": below[schemas.ABOUT]}
            kind, inner = f"{kind}, see {link(below['title'])}", {}
        yield f"| `{path}` | {cell(kind)} | {there} | {cell(below['description'])} |"
        if inner.get("type") == "array":
            path, inner = f"{path}[]", inner["items"]
        yield from rows(inner, f"{path}.", titled)


def verdicts(node: Schema) -> Iterator[str]:
    """Which cause goes with which result."""
    yield "| result | cause |"
    yield "|---|---|"
    for branch in node["oneOf"]:
        cause = branch["properties"]["cause"]
        causes = cause.get("enum") or cause["$comment"].split(", ")
        result = branch["properties"]["result"]["const"]
        yield f"| `{result}` | {', '.join(f'`{name}`' for name in causes)} |"


def examples(node: Schema) -> Iterator[str]:
    found = node.get("examples", [])
    if found:
        yield "```"
        yield from (json.dumps(example, ensure_ascii=False, separators=(",", ":"))
                    for example in found)
        yield "```"
        yield ""


def section(node: Schema, level: int) -> Iterator[str]:
    """A heading, the description, examples, tables; then sections for what has a title below it."""
    yield f"{'#' * level} {node['title']}"
    yield ""
    if "description" in node:
        yield from (node["description"], "")
    yield from examples(node)
    titled: dict[str, Schema] = {}
    table = list(rows(node, "", titled))
    if table:
        yield from ("| key | type | there | meaning |", "|---|---|---|---|", *table, "")
    branches = node.get("oneOf", []) + node.get("items", {}).get("oneOf", [])
    if branches and "title" not in branches[0]:
        yield from (*verdicts(node), "")
        branches = []
    for below in [*branches, *titled.values()]:
        yield from section(below, level + 1)


def reference() -> str:
    lines = [HEAD]
    for name in schemas.NAMES:
        lines += section(schemas.load(name), 2)
    return "\n".join(lines).rstrip("\n") + "\n"


def main() -> int:
    text = reference()
    if sys.argv[1:] != ["--check"]:
        TARGET.write_text(text)
        return 0
    there = TARGET.read_text()
    for line in difflib.unified_diff(there.splitlines(), text.splitlines(), str(TARGET),
                                     "the schemas", lineterm=""):
        print(line)
    return int(there != text)


if __name__ == "__main__":
    sys.exit(main())
