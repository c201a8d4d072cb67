#!/usr/bin/env python3
"""The completions in the real shells: bash with bash-completion, zsh and fish each load what was made
for them and are asked for candidates. Usage: completions_test.py --pages FOLDER"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SKIPPED = 77
BASH_COMPLETION = Path("/usr/share/bash-completion/bash_completion")

# What is typed, and which candidates must be among those offered, and which must not.
CASES = (
    ("tcpeek --ou", {"--output"}, {"--icmp"}),
    ("tcpeek --", {"--interface", "--max-sessions", "--wait", "--version"}, set()),
    ("tcpeek -o ", {"table", "json"}, set()),
    ("tcpeek --output=j", {"json"}, {"table"}),
    ("tcpeek -c ", {"0", "1", "2"}, set()),
    ("tcpeek -l w", {"warning"}, {"emerg"}),
    ("tcpeek -i l", {"lo"}, {"any"}),
    ("tcpeek --interface=a", {"any"}, {"lo"}),
    ("tcpeek -u roo", {"root"}, {"nobody"}),
    ("tcpeek -r tra", {"trace.pcap"}, {"other"}),
    ("tcpeek --read=tra", {"trace.pcap"}, {"other"}),
    ("tcpeek -q -U no", {"none"}, {"lo"}),
    ("tcpeekstat --g", {"--gmetric", "--gmetric-command", "--gmetric-config"}, {"--json"}),
    ("tcpeekstat --wat", {"--watch"}, {"--version"}),
    ("tcpeekstat -U tra", {"trace.pcap"}, {"other"}),
)

IN_BASH = r"""
source "$2"
_completion_loader "$1"
COMP_LINE=$3 COMP_POINT=${#3}
# Divided as readline does it: at spaces and, as words of their own, at '='.
COMP_WORDS=(); rest=$3
while [[ -n $rest ]]; do
    if [[ $rest == ' '* ]]; then rest=${rest# }; [[ -z $rest ]] && COMP_WORDS+=(''); continue; fi
    if [[ $rest == =* ]]; then COMP_WORDS+=('='); rest=${rest#=}; [[ -z $rest ]] && COMP_WORDS+=(''); continue; fi
    word=${rest%%[ =]*}; COMP_WORDS+=("$word"); rest=${rest#"$word"}
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMP_TYPE=9; COMP_KEY=9
compopt() { :; }
"_$1" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""

# An interactive zsh behind a pseudo-terminal; what it would list is printed between two marks. The
# function compadd is wrapped, so that its candidates can be read.
IN_ZSH = r"""
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PROMPT=; fpath=('$2' $fpath); autoload -Uz compinit; compinit -u -D; zstyle ":completion:*" verbose no; cd '$3
zpty -w z 'compadd() { [[ ${@[1,(i)(-|--)]} == *-(O|A|D)* ]] && { builtin compadd "$@"; return }; local -a hits; builtin compadd -O hits "$@"; print -l "<${^hits[@]}>" >>'$4'; builtin compadd "$@" }'
zpty -w z 'bindkey "^I" complete-word; zle -C complete-word complete-word _main_complete; touch '$4'.ready'
while [[ ! -e $4.ready ]]; do sleep 0.05; done
zpty -w -n z "$1"$'\t'
for i in {1..60}; do [[ -s $4 ]] && break; sleep 0.1; done
sleep 0.2
zpty -d z
cat $4
"""


def candidates_in_bash(line: str, pages: Path, folder: Path) -> set[str]:
    program = line.split()[0]
    with tempfile.TemporaryDirectory() as home:
        # Loaded by its name, as bash-completion does when the first Tab is pressed.
        Path(home, "completions").mkdir()
        shutil.copy(pages / f"{program}.bash", Path(home, "completions", program))
        done = subprocess.run(["bash", "--norc", "-c", IN_BASH, "bash", program, BASH_COMPLETION, line],
                              cwd=folder, capture_output=True, text=True, check=False, timeout=30,
                              env=os.environ | {"BASH_COMPLETION_USER_DIR": home})
    assert done.stderr == "", done.stderr
    return {word.rstrip("=") for word in done.stdout.split()}


def candidates_in_zsh(line: str, pages: Path, folder: Path) -> set[str]:
    with tempfile.TemporaryDirectory() as home:
        # A folder of functions that belongs to no other user, as zsh wants it.
        for function in pages.glob("_*"):
            shutil.copy(function, home)
        done = subprocess.run(["zsh", "-f", "-c", IN_ZSH, "zsh", line, home, folder, f"{home}/out"],
                              capture_output=True, text=True, check=False, timeout=60,
                              env=os.environ | {"HOME": home, "TERM": "dumb"})
    words = re.findall(r"<(.*)>", done.stdout)
    return {word.rstrip("=") for word in words}


def candidates_in_fish(line: str, pages: Path, folder: Path) -> set[str]:
    with tempfile.TemporaryDirectory() as home:
        # fish loads what belongs to a program that it finds: the build's.
        done = subprocess.run(["fish", "--no-config", "-c",
                               f"set fish_complete_path {pages}; complete -C '{line}'"],
                              cwd=folder, capture_output=True, text=True, check=False, timeout=30,
                              env=os.environ | {"HOME": home, "PATH": f"{pages.parent}:{os.environ['PATH']}"})
    assert done.stderr == "", done.stderr
    # "--output=json", where the value is written behind the option.
    return {re.sub(r"^--[a-z-]+=(?=.)", "", offered.split("\t")[0]).rstrip("=")
            for offered in done.stdout.splitlines()}


def unsearched() -> list[str]:
    """Where the Debian package puts its completions, as far as the shell does not look there."""
    asked = {"/usr/share/zsh/vendor-completions": ["zsh", "-f", "-c", "print -l $fpath"],
             "/usr/share/fish/vendor_completions.d": ["fish", "-c", "printf '%s\\n' $fish_complete_path"]}
    return [folder for folder, command in asked.items() if folder not in subprocess.run(
        command, capture_output=True, text=True, check=True).stdout.splitlines()]


SHELLS: dict[str, Callable[[str, Path, Path], set[str]]] = {
    "bash": candidates_in_bash, "zsh": candidates_in_zsh, "fish": candidates_in_fish}


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--pages", type=Path, required=True)
    pages = parser.parse_args().pages.resolve()
    missing = [shell for shell in SHELLS if shutil.which(shell) is None]
    if not BASH_COMPLETION.exists():
        missing.append("bash-completion")
    if missing:
        print(f"SKIP: not installed: {', '.join(missing)}")
        return SKIPPED
    for folder in unsearched():
        print(f"{folder}: the shell does not look for completions there")
    failed = len(unsearched())
    with tempfile.TemporaryDirectory() as folder:
        for name in ("trace.pcap", "other"):
            Path(folder, name).touch()
        asked = [(shell, case) for shell in SHELLS for case in CASES]
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(lambda pair: SHELLS[pair[0]](pair[1][0], pages, Path(folder)), asked)
        for (shell, (line, wanted, unwanted)), offered in zip(asked, answers):
            if wanted - offered or unwanted & offered:
                print(f"{shell}, '{line}': offered {sorted(offered)}, wanted {sorted(wanted)}, not "
                      f"{sorted(unwanted)}")
                failed += 1
    print(f"{len(CASES)} lines in {len(SHELLS)} shells, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
