"""Validates what tcpeek prints, keeps account of the keys that it showed, and damages it on purpose."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import schemas
from schemas import Instance, Schema

try:
    from jsonschema import Draft202012Validator, FormatChecker
    from jsonschema.exceptions import ValidationError
except ImportError:
    print("SKIP: python3-jsonschema is not installed")
    sys.exit(77)

_FORMATS = FormatChecker(formats=["ipv4", "ipv6"])


def validator_of(schema: Schema) -> Draft202012Validator:
    return Draft202012Validator(schema, format_checker=_FORMATS)


@cache
def _branch_validator(text: str) -> Draft202012Validator:
    return validator_of(json.loads(text))


def accepts(branch: Schema, value: Instance) -> bool:
    return _branch_validator(json.dumps(branch)).is_valid(value)


def meant(errors: list[ValidationError]) -> list[str]:
    """What is wrong. Of alternatives, in the one that was meant: it has the fewest faults, and the
    deepest ones."""
    found = []
    for error in errors:
        branches: dict[int | str, list[ValidationError]] = {}
        for below in error.context:
            branches.setdefault(below.schema_path[0], []).append(below)
        if branches:
            found += meant(min(branches.values(), key=lambda faults: (
                len(faults), -max(len(fault.absolute_path) for fault in faults))))
        else:
            place = "".join(f"[{step!r}]" for step in error.absolute_path)
            found.append(f"{place + ': ' if place else ''}{error.message[:200]}")
    return found


def decode(text: str | bytes) -> Any:
    """JSON in which no object has a key twice."""
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            raise ValueError(f"a key twice: {[key for key, _ in pairs]}")
        return found

    return json.loads(text, object_pairs_hook=unique)


def damages(schema: Schema, value: Instance, seen: set[str]) -> Iterator[tuple[str, Instance]]:
    """Copies of a good value that have a key renamed, or lack one that is required; what was done to
    each. `seen` are the keys that had their turn."""
    for key in schemas.keys_shown(schema, value, accepts):
        name = key.path.rpartition(".")[2]
        if key.is_value or name in schemas.PLACEHOLDERS or key.path in seen:
            continue
        seen.add(key.path)
        *way, last = key.place
        for action in ("renamed", *(["removed"] if key.required else [])):
            damaged = copy.deepcopy(value)
            holder = damaged
            for step in way:
                holder = holder[step]
            taken = holder.pop(last)
            if action == "renamed":
                holder[f"{last}_"] = taken
            yield f"{key.path} {action}", damaged


@dataclass
class Account:
    """Of one schema: what was validated against it, and what is wrong."""

    name: str
    checked: int = 0
    damaged: int = 0
    problems: dict[str, list[str]] = field(default_factory=dict)  # and where they are
    _shown: set[str] = field(default_factory=set)
    _damaged_keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.schema = schemas.load(self.name)
        self._validator = validator_of(self.schema)

    def report(self, source: str, problem: str) -> None:
        self.problems.setdefault(problem, []).append(source)

    def check(self, source: str, text: str | bytes) -> None:
        """One line of output. Each key that shows for the first time is damaged, which must be found."""
        self.checked += 1
        try:
            value = decode(text)
        except ValueError as error:
            self.report(source, str(error))
            return
        if errors := list(self._validator.iter_errors(value)):
            for problem in meant(errors):
                self.report(source, problem)
            return
        self._shown |= {key.path for key in schemas.keys_shown(self.schema, value, accepts)}
        for what, damaged in damages(self.schema, value, self._damaged_keys):
            self.damaged += 1
            if self._validator.is_valid(damaged):
                self.report(source, f"{what} is not found")

    def check_all_shown(self, excused: dict[str, str]) -> None:
        """Every key of the schema was shown, but for those with a reason; and no reason is stale."""
        wanted = {key.path for key in schemas.keys_of(self.schema)}
        for path in sorted(wanted - self._shown - set(excused)):
            self.report("all outputs", f"none shows {path}")
        for path in sorted(set(excused) - (wanted - self._shown)):
            self.report("all outputs", f"{path} is shown, or unknown: it needs no reason")

    def __str__(self) -> str:
        return (f"{self.name}: {self.checked} checked, {len(self._shown)} keys and values shown, "
                f"{self.damaged} damages tried")


def conclude(accounts: list[Account]) -> int:
    """The exit status, after what is to say."""
    for account in accounts:
        for problem, sources in account.problems.items():
            more = f" and {len(sources) - 1} more" if len(sources) > 1 else ""
            print(f"{account.name}: {problem} ({sources[0]}{more})")
    for account in accounts:
        print(account)
    return 1 if any(account.problems for account in accounts) or any(account.checked == 0 for account in accounts) else 0
