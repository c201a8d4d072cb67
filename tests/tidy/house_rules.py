#!/usr/bin/env python3
"""Checks the rules of the house that a compiler does not: which layer may include which, banned
texts with their replacements, lengths, dead headers, and what does not belong in the tree.
Usage: house_rules.py [ROOT]; `--self-test` plants a violation of each rule and expects to find it."""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHAIN = ("base", "net", "dissect", "handshake", "filter", "stats", "output", "serve")
# Besides itself. Every layer of the chain may include those before it.
MAY_INCLUDE = {layer: set(CHAIN[:place]) for place, layer in enumerate(CHAIN)} | {
    "capture": {"base", "net"},
    "cli": {"base", "net", "filter"},
    "tcpeekstat": {"base", "filter", "cli"},
    "pages": {"base", "cli"},
    "app": set(CHAIN) | {"capture", "cli"},
}
EXCEPTIONS = {"capture": {"dissect/frame.h", "bpf/shared.h"}}
PURE = CHAIN[CHAIN.index("dissect"):CHAIN.index("serve")]

# What is banned, in which folders below src (all when empty), and what to do instead.
BANS = (
    (r"#include <(pcap|bpf|sys/socket|sys/epoll|poll\.h|unistd\.h|linux)", PURE,
     "no system calls or capture libraries here: hand the value in"),
    (r"\b(clock_gettime|gettimeofday|steady_clock|system_clock|time\(nullptr\))", PURE,
     "time is an argument"),
    (r"reinterpret_cast", ("dissect", "capture", "handshake"), "read bytes through ByteReader"),
    (r"\b(TODO|FIXME|XXX)\b", (), "finish it, or write an issue"),
    (r"using namespace std;", (), "name what is used"),
    # Not in serve: there the handlers of one connection own it together.
    (r"std::shared_ptr", (*PURE, "base", "net", "capture", "cli", "app"),
     "one owner, borrowed by reference"),
    (r"^\s*default:\s*$", ("handshake", "filter", "stats", "output", "app"),
     "name every enumerator, so that a new one is noticed"),
    (r"\bprintf\(|std::cout|std::cerr", PURE, "return the text"),
    (r"//\s*[-=*#]{6,}", (), "no banner comments"),
)
MAX_FILE_LINES = 400
MAX_TEST_LINES = 600
MAX_FUNCTION_LINES = 70
MAX_BLOB_OCTETS = 256 * 1024
MAY_BE_EXECUTABLE = {".py", ".sh", ""}


def sources(root: Path, folder: str = "src") -> list[Path]:
    return sorted(path for pattern in ("*.h", "*.cpp") for path in (root / folder).rglob(pattern))


def check_layers(root: Path) -> Iterator[str]:
    for path in sources(root):
        layer = path.relative_to(root / "src").parts[0]
        if layer not in MAY_INCLUDE:
            continue
        allowed = MAY_INCLUDE[layer] | {layer}
        for number, line in enumerate(path.read_text().splitlines(), 1):
            include = re.match(r'#include "(([a-z]+)/[^"]+)"', line)
            if include and include[2] not in allowed and include[1] not in EXCEPTIONS.get(layer, ()):
                yield f"{path.relative_to(root)}:{number}: {layer} must not include {include[1]}"


def check_bans(root: Path) -> Iterator[str]:
    for path in sources(root):
        layer = path.relative_to(root / "src").parts[0]
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, folders, instead in BANS:
                if (not folders or layer in folders) and re.search(pattern, line):
                    yield f"{path.relative_to(root)}:{number}: '{line.strip()}': {instead}"


def check_headers(root: Path) -> Iterator[str]:
    for path in sources(root):
        text = path.read_text()
        if path.suffix == ".h" and "#pragma once" not in text:
            yield f"{path.relative_to(root)}: a header without #pragma once"
        if path.suffix == ".h" and not text.startswith("//"):
            yield f"{path.relative_to(root)}: a header begins with a comment that says what it is"
    included = {name for folder in ("src", "tests", "bench") if (root / folder).exists()
                for path in sources(root, folder)
                for name in re.findall(r'#include "([^"]+)"', path.read_text())}
    for path in sources(root):
        name = str(path.relative_to(root / "src"))
        if path.suffix == ".h" and name not in included:
            yield f"src/{name}: nobody includes it"


def check_lengths(root: Path) -> Iterator[str]:
    files = [path for folder in ("src", "tests", "bench", "bpf") if (root / folder).exists()
             for path in sources(root, folder)]
    for path in files:
        lines = len(path.read_text().splitlines())
        limit = MAX_TEST_LINES if path.relative_to(root).parts[0] == "tests" else MAX_FILE_LINES
        if lines > limit:
            yield f"{path.relative_to(root)}: {lines} lines, more than {limit}"
    listing = subprocess.run(
        ["ctags", "-x", "--_xformat=%F %n %{end} %N", "--fields=+ne", "--languages=C++",
         "--kinds-C++=f", *map(str, files)], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        name, begin, end, function = line.split(" ", 3)
        if end.isdigit() and int(end) - int(begin) + 1 > MAX_FUNCTION_LINES:
            length = int(end) - int(begin) + 1
            yield (f"{Path(name).relative_to(root)}:{begin}: {function} has {length} lines, more "
                   f"than {MAX_FUNCTION_LINES}")


def check_tree(root: Path) -> Iterator[str]:
    listing = subprocess.run(["git", "-C", str(root), "ls-files"], capture_output=True, text=True,
                             check=False)
    for name in listing.stdout.splitlines():
        path = root / name
        if not path.is_file():
            continue
        if path.stat().st_size > MAX_BLOB_OCTETS:
            yield f"{name}: {path.stat().st_size} octets, more than {MAX_BLOB_OCTETS}"
        if re.search(r"(\.o|\.a|\.so|\.pyc|~|\.orig|\.rej)$", name):
            yield f"{name}: a generated file"
        if path.stat().st_mode & 0o111 and path.suffix not in MAY_BE_EXECUTABLE:
            yield f"{name}: must not be executable"


CHECKS = (check_layers, check_bans, check_headers, check_lengths, check_tree)


def violations(root: Path) -> list[str]:
    return [text for check in CHECKS for text in check(root)]


def plant(root: Path, name: str, text: str) -> None:
    path = root / "src" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def self_test() -> int:
    """One planted violation of each rule, with a part of the line that must be printed for it."""
    head = "// What it is.\n#pragma once\n"
    planted = {
        "net/a.h": (head + '#include "dissect/frame.h"\n', "net must not include dissect/frame.h"),
        "capture/b.h": (head + '#include "dissect/dissect.h"\n', "capture must not include"),
        "dissect/c.h": (head + "#include <poll.h>\n", "no system calls"),
        "stats/d.h": (head + "auto t = std::chrono::steady_clock::now();\n", "time is an argument"),
        "dissect/e.h": (head + "auto* p = reinterpret_cast<int*>(q);\n", "through ByteReader"),
        "base/f.h": (head + "// FIXME later\n", "finish it"),
        "filter/g.h": (head + "        default:\n", "every enumerator"),
        "base/h.h": ("#pragma once\n", "begins with a comment"),
        "base/i.h": ("// What it is.\n", "without #pragma once"),
        "base/j.h": (head, "nobody includes it"),
        "base/k.h": (head + "int x;\n" * MAX_FILE_LINES, f"more than {MAX_FILE_LINES}"),
        "base/l.cpp": ("int f() {\n" + "    g();\n" * MAX_FUNCTION_LINES + "}\n", "f has 72 lines"),
    }
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, (text, _) in planted.items():
            plant(root, name, text)
        found = violations(root)
    missed = [name for name, (_, expected) in planted.items()
              if not any(name in line and expected in line for line in found)]
    for name in missed:
        print(f"the violation in {name} was not found")
    print(f"{len(planted)} planted, {len(missed)} missed")
    return 1 if missed else 0


def main() -> int:
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = violations(root)
    for line in found:
        print(line)
    print(f"{len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
