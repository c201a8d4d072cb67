"""The guest's root: an initramfs of the programs that the tests need, as they are on this machine,
and of a kernel's modules. Nothing else is shared with the machine, and no disk is needed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path

from packages import Kernel

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
# Besides Python, tcpeek and what is under test.
PROGRAMS = ("busybox", "ethtool", "ip", "kmod", "nft", "prlimit", "setpriv", "tcpdump")
BUSYBOX = ("cat", "mount", "sh", "umount")
NOT_NEEDED = ("*.a", "__pycache__", "config-*", "dist-packages", "ensurepip", "idlelib", "lib2to3",
              "pydoc_data", "site-packages", "test", "tests", "tkinter", "turtledemo")
# Where the tests stand in the guest.
WORK = Path("/work")
MODULES = ("kernel/net", "kernel/drivers/net", "kernel/lib", "kernel/crypto", "kernel/arch")


class Image:
    """A folder that becomes a root."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        self.folder = folder
        for name in ("bin", "sbin", "lib", "lib64"):
            (folder / "usr" / name).mkdir(parents=True)
            (folder / name).symlink_to(f"usr/{name}")
        for name in ("dev", "etc", "proc", "root", "run", "sys", "tmp", "var/run", "work"):
            (folder / name).mkdir(parents=True)

    def _at(self, path: Path) -> Path:
        return self.folder / path.relative_to("/")

    def add_file(self, path: Path) -> None:
        """A file under its own name, and under each name that stands for it."""
        place = Path(os.path.realpath(path.parent)) / path.name
        target = self._at(place)
        if target.exists() or target.is_symlink():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_symlink():
            target.symlink_to(os.readlink(path))
            self.add_file(place.parent / os.readlink(path))
        else:
            shutil.copy2(path, target)

    def add_program(self, path: Path) -> None:
        self.add_file(path)
        self.add_libraries(path)

    def add_libraries(self, path: Path) -> None:
        listing = subprocess.run(["ldd", path], capture_output=True, text=True, check=False).stdout
        for word in listing.split():
            if word.startswith("/"):
                self.add_file(Path(word))

    def add_python(self) -> Path:
        """This Python and its own library; returns where it is."""
        program = Path(sys.executable).resolve()
        self.add_program(program)
        for library in {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}:
            shutil.copytree(library, self._at(Path(library)), symlinks=True, dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns(*NOT_NEEDED))
            for extension in Path(library).glob("lib-dynload/*.so"):
                self.add_libraries(extension)
        return program

    def add_folder(self, folder: Path, name: str) -> None:
        """Below WORK."""
        shutil.copytree(folder, self._at(WORK / name), ignore=shutil.ignore_patterns(*NOT_NEEDED),
                        dirs_exist_ok=True)

    def add_text(self, path: str, text: str, mode: int = 0o644) -> None:
        target = self._at(Path(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        target.chmod(mode)

    def pack(self, archive: Path) -> None:
        names = "\n".join(str(path.relative_to(self.folder)) for path in
                          [self.folder, *sorted(self.folder.rglob("*"))])
        with archive.open("wb") as out:
            subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], input=names.encode(),
                           cwd=self.folder, stdout=out, check=True)


def pack_programs(folder: Path, archive: Path, programs: dict[str, Path],
                  captures: Path | None) -> None:
    """What is the same for each kernel. `programs`: those under test, by their names in WORK."""
    image = Image(folder)
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is None:
            raise FileNotFoundError(f"{name} is not installed (packaging/deps)")
        image.add_program(Path(found))
    for name in BUSYBOX:
        (folder / "usr/bin" / name).symlink_to("busybox")
    (folder / "usr/sbin/modprobe").symlink_to(Path(shutil.which("kmod")).resolve())
    python = image.add_python()
    for name, path in programs.items():
        image.add_libraries(path)
        image.add_text(str(WORK / name), "")
        shutil.copy2(path, folder / WORK.relative_to("/") / name)
    image.add_folder(TESTS / "netns", "netns")
    image.add_folder(HERE / "guest", "guest")
    if captures is not None:
        image.add_folder(captures, "captures")
    image.add_text("/etc/passwd", "root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    image.add_text("/etc/group", "root:x:0:\nnogroup:x:65534:\n")
    image.add_text("/init", f"#!/bin/sh\nmount -t devtmpfs none /dev\nexec {python} -u {WORK}/guest/init.py\n", 0o755)
    image.pack(archive)


def pack_modules(folder: Path, archive: Path, kernel: Kernel) -> None:
    """The modules of the network, and what they need."""
    image = Image(folder)
    source = kernel.modules / kernel.release
    target = folder / "usr/lib/modules" / kernel.release
    for part in MODULES:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part)
    for index in [*source.glob("modules.builtin*"), *source.glob("modules.order")]:
        shutil.copy2(index, target)
    subprocess.run(["depmod", "-b", folder, kernel.release], check=True, stderr=subprocess.DEVNULL)
    image.pack(archive)


def join(parts: Iterable[Path], archive: Path) -> None:
    """The kernel unpacks one after another, each padded to four octets by cpio's blocks."""
    with archive.open("wb") as out:
        for part in parts:
            with part.open("rb") as piece:
                shutil.copyfileobj(piece, out)
