"""Kernels of Debian's suites: fetched and checked by apt in a place of its own, and unpacked."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
MIRROR = "http://deb.debian.org/debian"
SECURITY = "http://deb.debian.org/debian-security"
# The flavour for virtual machines: a third of the size, with all of the network.
METAPACKAGE = "linux-image-cloud-amd64"
PARTS = re.compile(r"linux-(?:image|binary|modules)-\d[^\s:]*$")
ATTEMPTS = 4


@dataclass(frozen=True)
class Suite:
    """Where a kernel comes from; `about` is what its version begins with."""

    name: str
    about: str
    sources: tuple[str, ...]


def _main(suite: str, about: str) -> Suite:
    return Suite(suite, about, (f"{MIRROR} {suite} main",))


SUITES = {
    suite.name: suite
    for suite in (
        Suite("bullseye", "5.10.", (f"{SECURITY} bullseye-security main",)),
        Suite("bookworm", "6.1.", (f"{MIRROR} bookworm main", f"{SECURITY} bookworm-security main")),
        Suite("trixie", "6.12.", (f"{MIRROR} trixie main", f"{SECURITY} trixie-security main")),
        _main("sid", ""),
    )
}


class Unavailable(Exception):
    """A kernel could not be had; the text says why."""


@dataclass(frozen=True)
class Kernel:
    release: str
    image: Path
    modules: Path  # a folder with lib/modules/RELEASE

    @property
    def version(self) -> tuple[int, int]:
        major, minor = re.match(r"(\d+)\.(\d+)", self.release).groups()
        return int(major), int(minor)


class _Apt:
    """apt with sources, lists and archives below one folder; only the keyring is the machine's."""

    def __init__(self, folder: Path, suite: Suite) -> None:
        self._archives = folder / "archives"
        for needed in (folder / "state/lists/partial", folder / "cache/archives/partial",
                       self._archives):
            needed.mkdir(parents=True, exist_ok=True)
        sources = folder / "sources.list"
        sources.write_text(
            "".join(f"deb [signed-by={KEYRING}] {source}\n" for source in suite.sources)
        )
        settings = {
            "Dir::State": folder / "state",
            "Dir::State::status": "/dev/null",
            "Dir::Cache": folder / "cache",
            "Dir::Etc::sourcelist": sources,
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
            "APT::Architecture": "amd64",
            "APT::Architectures": "amd64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
        }
        self._options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def _run(self, *words: str, folder: Path | None = None) -> str:
        done = subprocess.run([words[0], *self._options, *words[1:]], cwd=folder,
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Unavailable(f"{' '.join(words)}: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _run_again(self, *words: str, folder: Path | None = None) -> None:
        """For what the network may spoil."""
        for left in range(ATTEMPTS - 1, -1, -1):
            try:
                self._run(*words, folder=folder)
                return
            except Unavailable:
                if left == 0:
                    raise
                time.sleep(3 * (ATTEMPTS - left))

    def update(self) -> None:
        self._run_again("apt-get", "-qq", "--error-on=any", "update")

    def parts(self) -> list[str]:
        """What the kernel's package consists of: one package, or several since 2026."""
        found: list[str] = []
        waiting = [METAPACKAGE]
        while waiting:
            for line in self._run("apt-cache", "depends", waiting.pop()).splitlines():
                name = line.rpartition(" ")[2]
                if "Depends:" in line and PARTS.match(name) and name not in found:
                    found.append(name)
                    waiting.append(name)
        if not found:
            raise Unavailable(f"{METAPACKAGE} names no kernel")
        return found

    def fetch(self, names: list[str]) -> list[Path]:
        """The packages' files; what was fetched before is not fetched again."""
        files = []
        for name in names:
            version = re.search(r"^Version: (\S+)$", self._run("apt-cache", "--no-all-versions",
                                                               "show", name), re.M)[1]
            folder = self._archives / f"{name}_{version.replace(':', '%3a')}"
            if not list(folder.glob("*.deb")):
                partial = folder.with_name(folder.name + ".partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                self._run_again("apt-get", "-qq", "download", name, folder=partial)
                partial.rename(folder)
            files += folder.glob("*.deb")
        return files


def fetch(suite: Suite, folder: Path) -> Kernel:
    """The newest kernel of a suite, in `folder`, which keeps what was fetched: what is there
    already will do where the archive cannot be reached."""
    apt = _Apt(folder, suite)
    root = folder / "root"
    try:
        apt.update()
        files = apt.fetch(apt.parts())
    except Unavailable:
        if root.is_dir():
            return _unpacked(suite, root)
        raise
    unpacking = folder / "unpacking"
    shutil.rmtree(unpacking, ignore_errors=True)
    for file in files:
        subprocess.run(["dpkg-deb", "--extract", file, unpacking], check=True)
    shutil.rmtree(root, ignore_errors=True)
    unpacking.rename(root)
    return _unpacked(suite, root)


def _unpacked(suite: Suite, root: Path) -> Kernel:
    images = sorted([*root.glob("boot/vmlinuz-*"), *root.glob("usr/lib/modules/*/vmlinuz")])
    modules = [path for path in (root / "usr/lib/modules", root / "lib/modules") if path.is_dir()]
    if len(images) != 1 or len(modules) != 1:
        raise Unavailable(f"the packages of {suite.name} hold {len(images)} kernels, not one")
    [release] = [path.name for path in modules[0].iterdir()]
    if not release.startswith(suite.about):
        raise Unavailable(f"{suite.name} has the kernel {release}, not {suite.about}x")
    return Kernel(release, images[0], modules[0])
