"""How single values are written in a script: durations, numbers of the sequence space, ICMP types, key=value lists."""

from __future__ import annotations

import re
from typing import Callable, Mapping, Optional

from .model import FLAG_LETTERS, NS

_DURATION = re.compile(r"(\d+)(?:\.(\d{1,9}))?")
_TERM = re.compile(r"([+-]?)\s*([A-Za-z_][\w.]*|0x[0-9a-fA-F]+|\d+)")
_ICMP = re.compile(r"(\d+)/(\d+)|-")


def duration(text: str) -> int:
    """Seconds with up to nine decimals, as nanoseconds."""
    match = _DURATION.fullmatch(text)
    if not match:
        raise ValueError(f"'{text}' is no time in seconds (example: 0.002)")
    return int(match[1]) * NS + int((match[2] or "").ljust(9, "0"))


def sequence_number(text: str, names: Callable[[str], Optional[int]]) -> int:
    """`C+1`, `S`, `other.S-5`, `0xffffffff`, `17`: a value modulo 2^32."""
    position, total = 0, 0
    while position < len(text):
        match = _TERM.match(text, position)
        if not match or (position and not match[1]):
            raise ValueError(f"'{text}' is no sequence number (example: C+1)")
        word = match[2]
        value = int(word, 0) if word[0].isdigit() else names(word)
        if value is None:
            raise ValueError(f"'{word}' names no number (C, S, FLOW.C, FLOW.S, or a let)")
        total += -value if match[1] == "-" else value
        position = match.end()
    return total % (1 << 32)


def flags(text: str) -> Optional[int]:
    """TCP flags by letter, or None when the word is something else."""
    if not text or any(letter not in FLAG_LETTERS for letter in text):
        return None
    return sum(FLAG_LETTERS[letter] for letter in set(text))


def icmp_types(text: str) -> tuple[Optional[tuple[int, int]], Optional[tuple[int, int]]]:
    """`3/1|1/3`: type and code for IPv4 and for IPv6; `-` where a family has no counterpart."""
    halves = [_ICMP.fullmatch(half) for half in text.split("|")]
    if len(halves) != 2 or None in halves:
        raise ValueError(f"'{text}' is no ICMP type and code (example: 3/1|1/3, or 3/10|-)")
    pairs = [None if half[1] is None else (int(half[1]), int(half[2])) for half in halves if half]
    return pairs[0], pairs[1]


def is_icmp_types(text: str) -> bool:
    return "|" in text


def key_values(words: list[str], known: Mapping[str, object]) -> dict[str, str]:
    """Splits key=value words; a bare word stands for key=yes. Unknown and repeated keys are mistakes."""
    found: dict[str, str] = {}
    for word in words:
        key, _, value = word.partition("=")
        if key not in known:
            raise ValueError(f"'{key}' is not known here (known: {', '.join(sorted(known))})")
        if key in found:
            raise ValueError(f"'{key}' is given twice")
        found[key] = value or "yes"
    return found


def tags(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",")) if text != "none" else ()


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))
