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
    from jsonschema.exceptions import best_match
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
    problems: list[str] = field(default_factory=list)
    _shown: set[str] = field(default_factory=set)
    _damaged_keys: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.schema = schemas.load(self.name)
        self._validator = validator_of(self.schema)

    def check(self, source: str, text: str | bytes) -> None:
        """One line of output. Each key that shows for the first time is damaged, which must be found."""
        self.checked += 1
        try:
            value = decode(text)
        except ValueError as error:
            self.problems.append(f"{source}: {error}")
            return
        error = best_match(self._validator.iter_errors(value))
        if error is not None:
            place = "".join(f"[{step!r}]" for step in error.absolute_path)
            self.problems.append(f"{source}: {self.name}{place}: {error.message}")
            return
        self._shown |= {key.path for key in schemas.keys_shown(self.schema, value, accepts)}
        for what, damaged in damages(self.schema, value, self._damaged_keys):
            self.damaged += 1
            if self._validator.is_valid(damaged):
                self.problems.append(f"{source}: {self.name}: {what} is not found")

    def check_all_shown(self, excused: dict[str, str]) -> None:
        """Every key of the schema was shown, but for those with a reason; and no reason is stale."""
        wanted = {key.path for key in schemas.keys_of(self.schema)}
        for path in sorted(wanted - self._shown - set(excused)):
            self.problems.append(f"{self.name}: no output shows {path}")
        for path in sorted(set(excused) - (wanted - self._shown)):
            self.problems.append(f"{self.name}: {path} is shown, or unknown: it needs no reason")

    def __str__(self) -> str:
        return (f"{self.name}: {self.checked} checked, {len(self._shown)} keys and values shown, "
                f"{self.damaged} damages found")


def conclude(accounts: list[Account]) -> int:
    """The exit status, after what is to say."""
    problems = [problem for account in accounts for problem in account.problems]
    for problem in problems[:20]:
        print(problem)
    if len(problems) > 20:
        print(f"and {len(problems) - 20} more")
    for account in accounts:
        print(account)
    return 1 if problems or any(account.checked == 0 for account in accounts) else 0
