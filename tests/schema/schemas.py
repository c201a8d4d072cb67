"""The JSON Schemas of docs/schema as plain trees, and the keys that they name."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "schema"
# In the order of the reference.
NAMES = ("json-lines", "get", "refresh", "stats", "error")
# Beside what a reference leads to: its name there, and its own description where the reference has
# one as well.
DEFINITION = "x-definition"
ABOUT = "x-definition-description"
# What stands in paths for names that users choose, and for causes that have a key once they occur.
PLACEHOLDERS = ("NAME", "CAUSE")

Schema = dict[str, Any]
Instance = Any
Place = tuple[str | int, ...]


def read(name: str) -> Schema:
    return json.loads((FOLDER / f"{name}.json").read_text())


def load(name: str) -> Schema:
    """The schema with every `$ref` replaced by what it leads to; keywords beside it win."""
    whole = read(name)
    return _without_references(whole, whole)


def _without_references(node: Any, whole: Schema) -> Any:
    if isinstance(node, list):
        return [_without_references(item, whole) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _without_references(value, whole) for key, value in node.items()
             if key not in ("$ref", "$defs")}
    if "$ref" not in node:
        return plain
    file, _, pointer = node["$ref"].partition("#/")
    target = read(file.removesuffix(".json")) if file else whole
    found = target
    for step in pointer.split("/"):
        found = found[step]
    definition = _without_references(found, target)
    return {**definition, DEFINITION: pointer.split("/")[-1],
            ABOUT: definition.get("description", ""), **plain}


@dataclass(frozen=True)
class Key:
    """A key that a schema names, or a value of one that has only a few."""

    path: str  # through the schema, such as session.icmp.from
    place: Place  # in the value
    required: bool
    is_value: bool
    schema: Schema


@dataclass(frozen=True)
class _Step:
    """From a part of a schema to one below it, and to the parts of a value that belong there."""

    label: str
    schema: Schema
    names_a_key: bool
    required: bool
    parts: Callable[[Instance], list[tuple[Place, Instance]]]


def _of_key(key: str) -> Callable[[Instance], list[tuple[Place, Instance]]]:
    return lambda value: [((key,), value[key])] if isinstance(value, dict) and key in value else []


def _of_other_keys(known: set[str]) -> Callable[[Instance], list[tuple[Place, Instance]]]:
    return lambda value: [((key,), part) for key, part in value.items() if key not in known]


def _of_items(value: Instance) -> list[tuple[Place, Instance]]:
    return [((number,), part) for number, part in enumerate(value)]


def _of_branch(branch: Schema, accepts: Callable[[Schema, Instance], bool]
               ) -> Callable[[Instance], list[tuple[Place, Instance]]]:
    return lambda value: [((), value)] if accepts(branch, value) else []


def open_keys(node: Schema) -> Iterator[tuple[str, Schema]]:
    """The placeholder and the schema of keys that are not fixed."""
    name, cause = PLACEHOLDERS
    if isinstance(node.get("additionalProperties"), dict):
        yield name, node["additionalProperties"]
    for below in node.get("patternProperties", {}).values():
        yield cause, below


def _steps(node: Schema, accepts: Callable[[Schema, Instance], bool]) -> Iterator[_Step]:
    properties = node.get("properties", {})
    for key, below in properties.items():
        if below is not False:
            yield _Step(f".{key}", below, True, key in node.get("required", ()), _of_key(key))
    for placeholder, below in open_keys(node):
        yield _Step(f".{placeholder}", below, True, False, _of_other_keys(set(properties)))
    if "items" in node:
        yield _Step("[]", node["items"], False, False, _of_items)
    for branch in node.get("oneOf", ()):
        label = f".{branch[DEFINITION]}" if DEFINITION in branch else ""
        yield _Step(label, branch, False, False, _of_branch(branch, accepts))


def keys_of(node: Schema, path: str = "") -> Iterator[Key]:
    """All keys that the schema names."""
    yield from _values(node, path, ())
    for step in _steps(node, lambda *_: True):
        below = path + step.label
        if step.names_a_key:
            yield Key(below.lstrip("."), (), step.required, False, step.schema)
        yield from keys_of(step.schema, below)


def keys_shown(node: Schema, value: Instance, accepts: Callable[[Schema, Instance], bool],
               path: str = "", place: Place = ()) -> Iterator[Key]:
    """Those of them that a value, which the schema accepts, has. `accepts` tells the branch."""
    yield from (key for key in _values(node, path, place) if key.path.endswith(f"={value}"))
    for step in _steps(node, accepts):
        below = path + step.label
        for further, part in step.parts(value):
            if step.names_a_key:
                yield Key(below.lstrip("."), place + further, step.required, False, step.schema)
            yield from keys_shown(step.schema, part, accepts, below, place + further)


def _values(node: Schema, path: str, place: Place) -> Iterator[Key]:
    few = node.get("enum", [node["const"]] if isinstance(node.get("const"), str) else [])
    for value in few:
        yield Key(f"{path.lstrip('.')}={value}", place, False, True, node)
