"""Takes a PromQL expression apart as far as names go: which metrics with which label matchers, and
which labels are grouped, matched or carried over. Prometheus itself checks the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)
  | (?P<range>\[[^\]]*\])
  | (?P<number>\d[\w.]*)
  | (?P<name>[a-zA-Z_:][\w:]*)
  | (?P<operator>=~|!~|!=|==|<=|>=|[-+*/%^<>=(){},@])
""", re.VERBOSE)
_GROUPING = {"by", "without"}
_MATCHING = {"on", "ignoring", "group_left", "group_right"}
_WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


@dataclass(frozen=True)
class Matcher:
    label: str
    operator: str
    value: str


@dataclass
class Names:
    """What an expression, or the part of it between two parentheses, refers to."""

    selectors: list[tuple[str, list[Matcher]]] = field(default_factory=list)
    # Labels of `by`, with the metrics that are grouped.
    groupings: list[tuple[str, list[str]]] = field(default_factory=list)
    # Labels of `on`, of both sides.
    matchings: list[str] = field(default_factory=list)
    # Labels of `group_left` and `group_right`.
    carried: list[str] = field(default_factory=list)

    def metrics(self) -> list[str]:
        return [metric for metric, _ in self.selectors]

    def add(self, inner: Names) -> None:
        self.selectors += inner.selectors
        self.groupings += inner.groupings
        self.matchings += inner.matchings
        self.carried += inner.carried


class _Reader:
    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        position = 0
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                raise ValueError(f"not understood: {text[position:position + 20]!r}")
            position = match.end()
            assert match.lastgroup is not None
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match[0]))
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def next(self) -> tuple[str, str]:
        if self.place == len(self.tokens):
            raise ValueError("ends too early")
        self.place += 1
        return self.tokens[self.place - 1]

    def expect(self, wanted: str) -> None:
        _, text = self.next()
        if text != wanted:
            raise ValueError(f"{text!r} instead of {wanted!r}")

    def label_list(self) -> list[str]:
        self.expect("(")
        found: list[str] = []
        while (token := self.next()[1]) != ")":
            if token != ",":
                found.append(token)
        return found

    def matchers(self) -> list[Matcher]:
        self.expect("{")
        found: list[Matcher] = []
        while (token := self.next()[1]) != "}":
            if token == ",":
                continue
            operator = self.next()[1]
            value = self.next()[1]
            found.append(Matcher(token, operator, value[1:-1]))
        return found


def names(expression: str) -> Names:
    """Raises ValueError where the expression is not understood."""
    reader = _Reader(expression)
    found = _names_until(reader, "")
    if reader.place != len(reader.tokens):
        raise ValueError(f"{reader.peek()!r} closes nothing")
    return found


def _names_until(reader: _Reader, closing: str) -> Names:
    found = Names()
    awaiting: list[str] = []  # labels of a `by` that stands before its parentheses
    last: Names | None = None  # the parentheses that a `by` behind them means
    while reader.peek() != closing:
        kind, text = reader.next()
        if text == "(":
            last = _names_until(reader, ")")
            reader.expect(")")
            found.add(last)
            found.groupings += [(label, last.metrics()) for label in awaiting]
            awaiting = []
            continue
        if text == "{":
            raise ValueError("a selector without the name of a metric")
        if kind != "name":
            continue
        if text in _GROUPING:
            labels = reader.label_list()
            if text == "without":
                raise ValueError("`without` keeps labels that nobody names: write `by`")
            if reader.peek() == "(":
                awaiting = labels
            elif last is not None:
                found.groupings += [(label, last.metrics()) for label in labels]
        elif text in _MATCHING:
            labels = reader.label_list() if reader.peek() == "(" else []
            target = found.carried if text.startswith("group_") else found.matchings
            target += labels
        elif text.lower() in _WORDS or reader.peek() in ("(", *_GROUPING):
            continue
        else:
            found.selectors.append((text, reader.matchers() if reader.peek() == "{" else []))
    return found
