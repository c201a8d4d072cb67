#!/usr/bin/env python3
"""Checks that the option tables of the documents, the manual pages and the completions name exactly
the options that `PROGRAM --help` names, with their values where they show some. A table belongs to the
program that the text before it named last, as in `PROGRAM [option]`; a manual page (PROGRAM.1,
PROGRAM.8) and a completion (PROGRAM.bash, _PROGRAM, PROGRAM.fish) is of one program.
Usage: options_in_step.py PROGRAM... -- DOCUMENT..."""

import re
import subprocess
import sys
from pathlib import Path

OPTION = re.compile(r"(?:-(\w), )?--([a-z-]+)(?:\[?=\S+)?")
SYNOPSIS = re.compile(r"`(?:[\w/]*/)?(\w+) \[option\]")


def options_of_help(program: str) -> set[str]:
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^  (?:    |(?=-\w, ))((?:-\w, )?--[a-z-]+(?:\[?=\S+)?)", text,
                          re.MULTILINE))


def options_of_document(path: Path) -> dict[str, set[str]]:
    """By program. Every row's first cell may name several options, each in code quotes."""
    found: dict[str, set[str]] = {}
    program = ""
    for line in path.read_text().splitlines():
        if synopsis := SYNOPSIS.search(line):
            program = synopsis[1]
        if not line.startswith("| `-"):
            continue
        first_cell = re.split(r"(?<!\\)\|", line)[1]
        found.setdefault(program, set()).update(
            name for name in re.findall(r"`([^`]+)`", first_cell) if OPTION.fullmatch(name))
    return found


def options_of_manual(path: Path) -> set[str]:
    """The line after each .TP, without its fonts."""
    plain = re.sub(r"\\f.", "", path.read_text()).replace("\\-", "-")
    return set(re.findall(r"^\.TP\n((?:-\w, )?--\S+)$", plain, re.MULTILINE))


def options_of_bash(path: Path) -> set[str]:
    """The words that are proposed where an option may stand."""
    words = re.findall(r"compgen -W '(-[^']*)'", path.read_text())
    return {word.rstrip("=") for list_of_words in words for word in list_of_words.split()}


def options_of_zsh(path: Path) -> set[str]:
    arguments = re.findall(r"^    '[^-]*(?:\(-[^)]*\)')?(\{-\S+?\}'|--[a-z-]+)", path.read_text(), re.M)
    return {name for argument in arguments
            for name in re.findall(r"(?:^|[{,])(--?[a-zA-Z]+(?:-[a-z]+)*)", argument)}


def options_of_fish(path: Path) -> set[str]:
    text = path.read_text()
    return ({f"-{letter}" for letter in re.findall(r"^complete -c \S+ -s (\w) ", text, re.M)}
            | {f"--{name}" for name in re.findall(r"^complete -c \S+ (?:-s \w )?-l (\S+)", text, re.M)})


COMPLETIONS = {".bash": options_of_bash, "": options_of_zsh, ".fish": options_of_fish}


def program_of(document: Path) -> str:
    return document.stem.removeprefix("_")


def options_in(document: Path, program: str) -> set[str]:
    if document.suffix == ".md":
        return options_of_document(document).get(program, set())
    if document.suffix in COMPLETIONS:
        return COMPLETIONS[document.suffix](document)
    return options_of_manual(document)


def names_only(options: set[str]) -> set[str]:
    """`-i, --interface=DEV` as `-i` and `--interface`, which is what completions show."""
    return {re.split(r"\[?=", name)[0] for option in options for name in option.split(", ")}


def differences(document: str, program: str, wanted: set[str], found: set[str]) -> int:
    for name in sorted(wanted - found):
        print(f"{document}: does not name {name} of {program}")
    for name in sorted(found - wanted):
        print(f"{document}: names {name} for {program}, which --help does not")
    return int(found != wanted or not wanted)


def main() -> int:
    division = sys.argv.index("--")
    programs, documents = sys.argv[1:division], sys.argv[division + 1:]
    status = 0
    for program in programs:
        name = Path(program).name
        wanted = options_of_help(program)
        print(f"{len(wanted)} options in {name} --help")
        for document in map(Path, documents):
            if document.suffix == ".md" or program_of(document) == name:
                shown = names_only(wanted) if document.suffix in COMPLETIONS else wanted
                status |= differences(str(document), name, shown, options_in(document, name))
    return status


if __name__ == "__main__":
    sys.exit(main())
