"""The mutants: the state table with one cell changed, and a source file with one word of its logic changed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

TABLE = Path("src/handshake/state_table.cpp")
CLASSES = {  # states whose actions could stand for each other
    "none": ("none",),
    "pending": ("syn_sent", "syn_received", "crossed"),
    "failed": ("failed_sent", "failed_received", "failed_crossed"),
    "over": ("succeeded", "unjudged"),
}
IGNORED_AS = {"none": "MID", "pending": "BAD", "failed": "BAD", "over": "IAS"}
TWINS = dict(zip(CLASSES["pending"], CLASSES["failed"])) | dict(zip(CLASSES["failed"], CLASSES["pending"]))


@dataclass(frozen=True)
class CellMutant:
    """A cell of the state table that holds another action."""
    state: str
    event: str
    was: str
    action: str
    setting: str  # what the changed copy of the table reads: row,column,action

    @property
    def name(self) -> str:
        return f"state.{self.state}.{self.event}:{self.was}->{self.action}"


@dataclass(frozen=True)
class TextMutant:
    """A source file with one piece of a line changed."""
    path: Path
    line: int
    before: str  # the line as it is
    code: str  # and as it becomes
    nth: int  # of those in this file that would read the same

    @property
    def name(self) -> str:
        """Both lines: `if (true) {` alone would not say which condition it was."""
        nth = f" (no. {self.nth})" if self.nth > 1 else ""
        return f"{self.path.name}: {self.before.strip()} => {self.code.strip()}{nth}"

    def apply(self, text: str) -> str:
        lines = text.split("\n")
        lines[self.line - 1] = self.code
        return "\n".join(lines)


class StateTable:
    """The grid as it stands in the source."""

    def __init__(self, root: Path) -> None:
        self.text = (root / TABLE).read_text()
        self.actions = re.findall(r"^constexpr Action (\w{3}) = Action::(\w+);", self.text, re.M)
        self.states = re.findall(r'case State::\w+:\n\s+return "(\w+)";', self.text)
        names = re.search(r"kNames\{(.*?)\}", self.text, re.S)
        self.events = re.findall(r'"(\w+)"', names[1] if names else "")
        self.rows = [re.findall(r"\w{3}", row) for row in
                     re.findall(r"^    /\* \w+ +\*/ \{((?:\w{3}, )+\w{3})\},", self.text, re.M)]
        if not self.actions or len(self.rows) != len(self.events) or \
                any(len(row) != len(self.states) for row in self.rows):
            raise SystemExit(f"{TABLE}: the table does not look as this test knows it")

    def switchable(self) -> str:
        """The source with a table whose cells TCPEEK_MUTANT changes: row,column,action;..."""
        found = "return kTable[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];"
        if self.text.count(found) != 1:
            raise SystemExit(f"{TABLE}: action_for does not look as this test knows it")
        changed = """
    static const auto table = [] {
        auto copy = kTable;
        unsigned row = 0, column = 0, action = 0;
        int used = 0;
        for (const char* at = getenv("TCPEEK_MUTANT");
             at && sscanf(at, "%u,%u,%u;%n", &row, &column, &action, &used) == 3; at += used)
            copy.at(row).at(column) = static_cast<Action>(action);
        return copy;
    }();
    return table[static_cast<std::size_t>(event)][static_cast<std::size_t>(state)];"""
        return "#include <cstdio>\n#include <cstdlib>\n" + self.text.replace(found, changed)

    def setting(self, row: int, column: int, action: str) -> str:
        numbers = {short: number for number, (short, _) in enumerate(self.order())}
        return f"{row},{column},{numbers[action]};"

    def order(self) -> list[tuple[str, str]]:
        """Short and long names in the order of the enumeration, which is that of the rows of actions."""
        header = (Path(__file__).resolve().parents[2] / TABLE.with_suffix(".h")).read_text()
        enum = re.search(r"enum class Action[^{]*\{(.*?)\};", header, re.S)
        names = re.findall(r"^\s+(\w+),", enum[1] if enum else "", re.M)
        short = {long: abbreviation for abbreviation, long in self.actions}
        return [(short[name], name) for name in names]

    def mutants(self, impossible: set[str]) -> Iterator[CellMutant]:
        classes = {state: name for name, states in CLASSES.items() for state in states}
        for row, event in enumerate(self.events):
            for column, state in enumerate(self.states):
                if f"state.{state}.{event}" in impossible:
                    continue
                was = self.rows[row][column]
                for action in self._others(row, column, classes[state]):
                    yield CellMutant(state, event, was, action, self.setting(row, column, action))

    def _others(self, row: int, column: int, kind: str) -> list[str]:
        """What could stand in a cell instead: to ignore it, what the states like this one do with the event, what
        this state does with the events beside it."""
        near = [self.states.index(state) for state in CLASSES[kind]]
        if TWINS.get(self.states[column]):
            near.append(self.states.index(TWINS[self.states[column]]))
        found = [IGNORED_AS[kind]] + [self.rows[row][other] for other in near]
        found += [self.rows[other][column] for other in (row - 1, row + 1) if 0 <= other < len(self.rows)]
        return [action for action in dict.fromkeys(found) if action not in (self.rows[row][column], "___")]

    def fatal(self, impossible: set[str]) -> str:
        """All cells that no packet is said to reach made such that reaching one ends the program."""
        return "".join(self.setting(row, column, "___") for row, event in enumerate(self.events)
                       for column, state in enumerate(self.states) if f"state.{state}.{event}" in impossible)


# A piece of logic and what it is changed to. Each match on a line of code is a mutant of its own.
OPERATORS = (
    (r"==", ("!=",)), (r"!=", ("==",)), (r" < ", (" <= ",)), (r" > ", (" >= ",)), (r" <= ", (" < ",)),
    (r" >= ", (" > ",)), (r" && ", (" || ",)), (r" \|\| ", (" && ",)), (r"(?<=[ (])!(?=\w)", ("",)),
    (r" \+ 1\b", (" + 2", "")), (r" - 1\b", ("",)), (r"\bkAcceptableOctets\b", ("(kAcceptableOctets - 1)",
                                                                             "(kAcceptableOctets + 1)")),
    (r"attempt\.syn_data_length", ("attempt.syn_data_length + 1U", "0U")),
    (r"Fit::exact", ("Fit::window",)), (r"Fit::window", ("Fit::exact", "Fit::none")), (r"Fit::none", ("Fit::window",)),
    (r"\bfrom_client \?", ("!from_client ?",)), (r"\bself \?", ("!self ?",)), (r"\bown \?", ("!own ?",)),
    (r"\bif \((?!const|auto)(.+)\) \{$", ("if (true) {", "if (false) {")),
    (r"\btrue\b", ("false",)), (r"\bfalse\b", ("true",)),
    (r"::max\(", ("::min(",)), (r"::min\(", ("::max(",)),
    (r" = std::max\(([^,]+), (.+)\);$", (r" = \2;",)),
    (r"^(\s+)\+\+(.+);$", (r"\1static_cast<void>(\2);",)),
    (r"deed\.packet\.at\b", ("clock_.now()",)), (r"clock_\.now\(\)", ("deed.packet.at",)),
    (r"Mark::letter", ("Mark::unfit", "Mark::none")), (r"Mark::unfit", ("Mark::letter", "Mark::none")),
)


def text_mutants(root: Path, path: Path) -> Iterator[TextMutant]:
    alike: Counter[tuple[str, str]] = Counter()
    for number, line in enumerate((root / path).read_text().split("\n"), 1):
        code = re.sub(r"\s*//.*", "", line)
        if re.match(r"\s*(TCPEEK_|static_assert|#|case |using |static constexpr)", code) or "inline constexpr" in code:
            continue
        for pattern, changes in OPERATORS:
            for match in re.finditer(pattern, code):
                for change in changes:
                    now = match.expand(change) if "\\" in change else change
                    whole = code[:match.start()] + now + code[match.end():]
                    if whole != code:
                        alike[code.strip(), whole.strip()] += 1
                        yield TextMutant(path, number, code, whole, alike[code.strip(), whole.strip()])
