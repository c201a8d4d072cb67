#!/usr/bin/env python3
"""Fills in what debian/ has from elsewhere: the changelog is CHANGELOG.md, and the packages to build
with are those of packaging/deps. Usage: debian_files.py SOURCE (the folder that has debian/)
DEBFULLNAME and DEBEMAIL say who answers for the package, as for other tools of Debian."""

import datetime
import os
import re
import sys
import textwrap
from pathlib import Path

# Who makes a package for others has an address. A name below .invalid never has one (RFC 2606), so
# that nobody's mail goes astray.
MAINTAINER = "{} <{}>".format(os.environ.get("DEBFULLNAME") or "the tcpeek authors",
                              os.environ.get("DEBEMAIL") or "maintainers@tcpeek.invalid")
# The package's build runs neither tests nor benchmarks.
NOT_FOR_THE_PACKAGE = {"libgtest-dev"}


def releases(text: str) -> list[tuple[str, str, str]]:
    """Version, date and text of each release, newest first."""
    parts = re.split(r"^## (\S+) - (\S+)$", text, flags=re.MULTILINE)[1:]
    return list(zip(parts[0::3], parts[1::3], parts[2::3]))


def debian_changelog(text: str) -> str:
    entries = []
    for version, date, changes in releases(text):
        when = datetime.datetime.fromisoformat(date).strftime("%a, %d %b %Y 12:00:00 +0000")
        items = re.split(r"^- ", changes, flags=re.MULTILINE)[1:] or [changes]
        lines = "\n".join(textwrap.fill(" ".join(item.split()), 78, initial_indent="  * ",
                                        subsequent_indent="    ") for item in items)
        entries.append(f"tcpeek ({version}) unstable; urgency=medium\n\n{lines}\n\n"
                       f" -- {MAINTAINER}  {when}\n")
    return "\n".join(entries)


def build_depends(deps: str) -> str:
    names = re.findall(r"^build (\S+)$", deps, re.MULTILINE)
    return "".join(f",\n               {name}" for name in names if name not in NOT_FOR_THE_PACKAGE)


def main() -> None:
    source = Path(sys.argv[1])
    changelog = debian_changelog((source / "CHANGELOG.md").read_text())
    (source / "debian/changelog").write_text(changelog)
    control = source / "debian/control"
    wanted = build_depends((source / "packaging/deps").read_text())
    control.write_text(control.read_text().replace("@BUILD_DEPENDS@", wanted)
                       .replace("@MAINTAINER@", MAINTAINER))


if __name__ == "__main__":
    main()
