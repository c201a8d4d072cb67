"""Reads the text format in which metrics are served to Prometheus."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SAMPLE = re.compile(
    r"(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<labels>.*)\})? (?P<value>\S+)(?: -?\d+)?$")
_LABEL = re.compile(r'(?P<name>[a-zA-Z_]\w*)="(?P<value>(?:[^"\\]|\\.)*)",?')
_ESCAPES = {"\\n": "\n", '\\"': '"', "\\\\": "\\"}

# A label set in an order of its own, so that it can be a key.
Labels = tuple[tuple[str, str], ...]


def labels(**values: str) -> Labels:
    return tuple(sorted(values.items()))


@dataclass
class Exposition:
    """All samples by metric and label set, and the type of each family."""

    samples: dict[str, dict[Labels, float]] = field(default_factory=dict)
    families: dict[str, str] = field(default_factory=dict)

    def label_names(self, metric: str) -> set[str]:
        return {name for series in self.samples.get(metric, {}) for name, _ in series}

    def label_values(self, metric: str, label: str) -> set[str]:
        return {value for series in self.samples.get(metric, {}) for name, value in series
                if name == label}


def _unescaped(text: str) -> str:
    return re.sub(r'\\[n"\\]', lambda match: _ESCAPES[match[0]], text)


def _parse_labels(text: str) -> Labels:
    found: list[tuple[str, str]] = []
    position = 0
    while position < len(text):
        match = _LABEL.match(text, position)
        if match is None:
            raise ValueError(f"no label at {text[position:]!r}")
        found.append((match["name"], _unescaped(match["value"])))
        position = match.end()
    return tuple(sorted(found))


def parse(text: str) -> Exposition:
    exposition = Exposition()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            exposition.families[name] = kind
        elif line and not line.startswith("#"):
            match = _SAMPLE.match(line)
            if match is None:
                raise ValueError(f"no sample: {line!r}")
            series = _parse_labels(match["labels"] or "")
            metric = exposition.samples.setdefault(match["name"], {})
            if series in metric:
                raise ValueError(f"twice: {line!r}")
            metric[series] = float(match["value"])
    return exposition
