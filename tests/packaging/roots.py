"""Clean Debian roots to install into: made once by debootstrap, then used through an overlay, so that
each test begins with the same files and leaves none."""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

SKIPPED = 77
USUAL_MIRROR = "http://deb.debian.org/debian"
# What the root with an init has besides: systemd, and what the package and the test need, since
# the machine that boots from it has no way out of its own network namespace.
WITH_INIT = ("systemd-sysv", "dbus", "iproute2", "procps", "libpcap0.8", "libmnl0", "libcap-ng0",
             "libfmt9", "libncursesw6", "libprometheus-cpp-core1.0", "libseccomp2", "libbpf1")
OFFLINE = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}


def skip(reason: str) -> None:
    print(f"SKIP: {reason}")
    sys.exit(SKIPPED)


def needs(*programs: str) -> None:
    if os.getuid() != 0:
        skip("only root can install into a root of its own")
    for program in programs:
        if shutil.which(program) is None:
            skip(f"{program} is not installed")


def run(*command: str | Path, check: bool = True, **rest) -> subprocess.CompletedProcess:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **rest)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n"
                             f"{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done


def own_mounts() -> None:
    """Starts this program again where its mounts are seen by nobody else and go when it ends."""
    if os.environ.get("TCPEEK_OWN_MOUNTS") != "1":
        os.environ["TCPEEK_OWN_MOUNTS"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation", "private",
                              sys.executable, *sys.argv])


def mirror() -> str:
    """Where apt on this machine takes Debian from."""
    found = run("apt-get", "indextargets", "--format", "$(COMPONENT) $(CODENAME) $(REPO_URI)",
                "Created-By: Packages", check=False).stdout
    addresses = [line.split()[2] for line in found.splitlines() if line.startswith("main bookworm ")]
    return addresses[0] if addresses else USUAL_MIRROR


class Root:
    """A folder with a Debian in it."""

    def __init__(self, path: Path):
        self.path = path

    def run(self, *command: str, network: bool = False, check: bool = True) -> subprocess.CompletedProcess:
        """In the root, with processes and, unless `network`, a silent network of its own."""
        spaces = ["unshare", "--mount", "--pid", "--fork", "--kill-child"] + ([] if network else ["--net"])
        return run(*spaces, "sh", "-c",
                   'ip link set lo up; mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && '
                   'shift && exec chroot "$0" "$@"', self.path, self.path, *command,
                   check=check, env=OFFLINE)

    def files(self) -> set[str]:
        """All paths but those that the package manager keeps about its work."""
        kept_out = ("/srv/", "/var/cache/", "/var/log/", "/var/lib/apt/", "/var/lib/dpkg/", "/tmp/", "/proc/",
                    "/dev/", "/run/", "/etc/resolv.conf", "/var/lib/systemd/deb-systemd")
        paths = ("/" + os.path.relpath(os.path.join(folder, name), self.path)
                 for folder, folders, names in os.walk(self.path) for name in folders + names)
        return {path for path in paths if not path.startswith(kept_out)}


def make(target: Path, fill) -> Path:
    """A folder that is there whole or not at all."""
    if not target.exists():
        begun = target.with_suffix(".begun")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir(parents=True)
        fill(begun)
        begun.rename(target)
    return target


def debootstrap(target: Path) -> None:
    done = run("debootstrap", "--variant=minbase", "bookworm", target, mirror(), check=False)
    if done.returncode != 0:
        shutil.rmtree(target, ignore_errors=True)
        skip(f"debootstrap cannot make a root (is {mirror()} reached?): {done.stdout[-300:]}")


def clean(cache: Path) -> Path:
    return make(cache / "clean", debootstrap)


@contextlib.contextmanager
def overlaid(lower: Path, upper: Path | None = None) -> Iterator[Root]:
    """`lower` to write into: what is written goes to `upper`, or away."""
    with tempfile.TemporaryDirectory(prefix="tcpeek-root-") as folder:
        top, work = Path(folder, "top"), Path(folder, "work")
        changes = upper or Path(folder, "changes")
        for made in (top, work, changes):
            made.mkdir(exist_ok=True)
        if upper:  # must be on one file system
            work = upper.with_name(upper.name + ".work")
            work.mkdir()
        run("mount", "-t", "overlay", "overlay", "-o",
            f"lowerdir={lower},upperdir={changes},workdir={work}", top)
        shutil.copy("/etc/resolv.conf", top / "etc/resolv.conf")
        try:
            yield Root(top)
        finally:
            run("umount", "--recursive", top)
            if upper:
                shutil.rmtree(work)


def with_init(cache: Path) -> str:
    """The clean root and, over it, what an init needs: the lower folders of an overlay."""
    base = clean(cache)

    def fill(target: Path) -> None:
        with overlaid(base, target) as root:
            done = root.run("sh", "-c", "apt-get update -qq && apt-get install -y -qq "
                            "--no-install-recommends " + " ".join(WITH_INIT), network=True, check=False)
            if done.returncode != 0:
                skip(f"systemd cannot be installed into the root: {done.stderr[-300:]}")
    return f"{make(cache / 'with-init', fill)}:{base}"
