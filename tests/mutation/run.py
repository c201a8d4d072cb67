#!/usr/bin/env python3
"""Breaks what tcpeek knows about TCP on purpose, one piece at a time, and expects the tests to notice: each cell of
the state table gets other actions, each condition of numbers.cpp (or of the files that --file names) is turned. A
mutant is built from a changed copy; the tree stays as it is. Mutants that no test can tell from the original are
listed in equivalent.txt with the reason. Usage: run.py BUILD [--sample N] [--only WORD] [--file FILE]...; BUILD is a
build folder, best of the preset `debug`. Exit status: 0 all are caught, 1 not, 2 usage."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import resource
import shlex
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Optional, Union

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "scripts"))

from mutants import TABLE, CellMutant, StateTable, TextMutant, text_mutants  # noqa: E402
from scriptkit.check import new_expansion, run_variant  # noqa: E402
from scriptkit.parser import parse_file  # noqa: E402

Mutant = Union[CellMutant, TextMutant]
MARKS = ROOT / "tests/marks/marks.txt"
EQUIVALENT = HERE / "equivalent.txt"
SCRIPTS = ROOT / "tests/scripts"
SWITCH = "TCPEEK_MUTANT"
# The fast ones first: most mutants do not live through the first.
SEQUENCES = (("3",), ("random", "3000", "1"), ("random", "20000", "2"), ("4",), ("random", "100000", "3"))
LONGEST = 120  # seconds of a processor that a test may take


def note(text: str) -> None:
    print(text, flush=True)


class Build:
    """Compiles a changed source file as the build folder would, and links a program with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        entries = json.loads((self.folder / "compile_commands.json").read_text())
        self.compilers = {entry["file"]: shlex.split(entry["command"]) for entry in entries}
        self.linkers: dict[str, list[str]] = {}

    def compile(self, path: Path, text: str, into: Path) -> bool:
        source = into.with_suffix(".cpp")
        source.write_text(text)
        command = list(self.compilers[str(ROOT / path)])
        command[command.index("-o") + 1] = str(into)
        command[command.index("-c") + 1] = str(source)
        return self._succeeds([*command, "-w"])

    def link(self, program: str, with_object: Path) -> Path:
        """The program beside the object, made when it is first wanted. The object stands before the libraries, so
        that what it has is not taken from them."""
        into = with_object.with_name(program)
        if into.exists():
            return into
        command = list(self._linker(program))
        begun = into.with_suffix(f".{os.getpid()}")
        command[command.index("-o") + 1] = str(begun)
        first_library = next(at for at, word in enumerate(command) if word.endswith(".a"))
        command.insert(first_library, str(with_object))
        if not self._succeeds(command):
            raise SystemExit(f"cannot link {program}: {shlex.join(command)}")
        begun.replace(into)
        return into

    def _linker(self, program: str) -> list[str]:
        if program not in self.linkers:
            done = subprocess.run(["ninja", "-C", str(self.folder), "-t", "commands", program],
                                  capture_output=True, text=True, check=True)
            last = done.stdout.strip().splitlines()[-1]
            self.linkers[program] = shlex.split(last.removeprefix(": && ").removesuffix(" && :"))
        return self.linkers[program]

    def _succeeds(self, command: list[str]) -> bool:
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0


def limit_processor_time() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (LONGEST, LONGEST))


def sequences_catch(program: Path) -> Optional[str]:
    """The name of the first test with sequences that fails."""
    for words in SEQUENCES:
        done = subprocess.run([program, *words], capture_output=True, preexec_fn=limit_processor_time, check=False)
        if done.returncode != 0:
            return f"sequences {' '.join(words)}"
    return None


def scripts_catch(program: Path, scratch: Path) -> Optional[str]:
    """The name of the first script that fails, one variant of each."""
    for path in sorted(SCRIPTS.glob("*/*.script")):
        name = str(path.relative_to(SCRIPTS))
        script = parse_file(path, name)
        expansion = new_expansion(script)
        variant = next(expansion.variants("quick"))
        if run_variant(script, expansion, variant, str(program), scratch / "capture"):
            return name
    return None


def tests_catch(build: Build, compiled: Path, scratch: Path) -> Optional[str]:
    return (sequences_catch(build.link("exhaustive_test", compiled))
            or scripts_catch(build.link("tcpeek", compiled), scratch))


def judge(build: Build, switchable: Path, mutant: Mutant) -> tuple[Mutant, str]:
    """What catches the mutant, or nothing. Runs in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tcpeek-mutant-") as folder:
        scratch = Path(folder)
        if isinstance(mutant, CellMutant):
            os.environ[SWITCH] = mutant.setting
            return mutant, tests_catch(build, switchable, scratch) or ""
        compiled = scratch / "mutant.o"
        if not build.compile(mutant.path, mutant.apply((ROOT / mutant.path).read_text()), compiled):
            return mutant, "the compiler"
        return mutant, tests_catch(build, compiled, scratch) or ""


def read_reasons(path: Path) -> dict[str, str]:
    reasons = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, _, reason = line.partition("  # ")
            reasons[name.strip()] = reason
    return reasons


def impossible_cells() -> set[str]:
    lines = (line.split(" ", 1) for line in MARKS.read_text().splitlines())
    return {words[0] for words in lines if len(words) > 1 and words[1].startswith("impossible:")}


def check_original(build: Build, switchable: Path, table: StateTable, scratch: Path) -> None:
    """Without a mutant all must pass, also when a cell that is called impossible ends the program."""
    os.environ[SWITCH] = table.fatal(impossible_cells())
    failed = tests_catch(build, switchable, scratch)
    os.environ[SWITCH] = ""
    if failed:
        raise SystemExit(f"{failed} fails without a mutant, or reaches a cell that is called impossible")


def choose(options: argparse.Namespace, table: StateTable) -> list[Mutant]:
    found: list[Mutant] = [] if options.file else list(table.mutants(impossible_cells()))
    for path in options.file or ["src/handshake/numbers.cpp"]:
        found += text_mutants(ROOT, Path(path))
    found = [mutant for mutant in found if options.only in mutant.name]
    if options.sample and options.sample < len(found):
        found = random.Random(options.seed).sample(found, options.sample)
    return found


def run(options: argparse.Namespace) -> int:
    build, table = Build(Path(options.build)), StateTable(ROOT)
    mutants, reasons = choose(options, table), read_reasons(EQUIVALENT)
    with tempfile.TemporaryDirectory(prefix="tcpeek-mutation-") as folder:
        scratch = Path(folder)
        switchable = scratch / "table.o"
        if not build.compile(TABLE, table.switchable(), switchable):
            raise SystemExit(f"the changed copy of {TABLE} does not build")
        if not options.sample:
            check_original(build, switchable, table, scratch)
        caught = equal = failed = 0
        with multiprocessing.Pool(options.jobs) as pool:
            for mutant, by in pool.imap_unordered(partial(judge, build, switchable), mutants):
                reason = reasons.get(mutant.name)
                failed += bool(by) == bool(reason)
                equal += bool(reason) and not by
                caught += bool(by)
                if not by and not reason:
                    note(f"lives: {mutant.name}")
                elif by and reason:
                    note(f"is caught by {by}, though {EQUIVALENT.name} names it: {mutant.name}")
                elif options.verbose:
                    note(f"{by or reason}: {mutant.name}")
    note(f"{len(mutants)} mutants (seed {options.seed}): {caught} caught, {equal} cannot be told from the original, "
         f"{len(mutants) - caught - equal} live")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("build", help="build folder with exhaustive_test and tcpeek")
    parser.add_argument("--sample", type=int, help="only so many, by chance")
    parser.add_argument("--seed", type=int, default=int(time.time()) // 86_400, help="of the sample (the day)")
    parser.add_argument("--only", metavar="WORD", default="", help="mutants whose name has it")
    parser.add_argument("--file", action="append", help="mutants of this source file, and none of the table")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes")
    parser.add_argument("--verbose", action="store_true", help="say what caught each")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
