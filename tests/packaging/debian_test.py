#!/usr/bin/env python3
"""The Debian package as an administrator meets it: installed in a clean Debian without an init, then in
one that systemd boots, where the service starts, counts, is reloaded, upgraded and purged; and in an
image for containers. Usage: debian_test.py --build BUILD [--whole-image] [NAME...]. Needs root and a
mirror of Debian; status 77 without."""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

import image
import service_scenes
from machine import booted
from roots import Root, clean, needs, overlaid, own_mounts, run, with_init

SOURCE = Path(__file__).resolve().parents[2]
# What lintian says that stays: tag and why.
EXPLAINED: dict[str, str] = {}


class Packages:
    """The package of this build, and the same with a higher version; whether an image shall build its own."""

    def __init__(self, build: Path, folder: Path, whole_image: bool):
        self.whole_image = whole_image
        run("unshare", "--net", SOURCE / "packaging/deb.sh", folder / "deb", build,
            env={"DEB_BUILD_OPTIONS": "noautodbgsym", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        self.changes = next((folder / "deb").glob("*.changes"))
        self.first = next((folder / "deb").glob("*.deb"))
        self.version = run("dpkg-deb", "-f", self.first, "Version").stdout.strip()
        self.newer = folder / "newer.deb"
        run("dpkg-deb", "-R", self.first, folder / "newer")
        control = folder / "newer/DEBIAN/control"
        control.write_text(control.read_text().replace(f"Version: {self.version}",
                                                       f"Version: {self.version}+1"))
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder / "newer", self.newer)

    def put_into(self, root: Root) -> None:
        shutil.copy(self.first, root.path / "srv/tcpeek.deb")
        shutil.copy(self.newer, root.path / "srv/newer.deb")


def lintian_is_content(packages: Packages, _: Path) -> None:
    found = run("lintian", "--allow-root", "--no-tag-display-limit", packages.changes, check=False).stdout
    unexplained = [line for line in found.splitlines()
                   if line[:2] in ("E:", "W:") and line.split()[2] not in EXPLAINED]
    assert not unexplained, "\n".join(unexplained)


def account(root: Root, name: str) -> bool:
    return name + ":" in "".join(line for file in ("etc/passwd", "etc/group")
                                 for line in (root.path / file).read_text())


IN_A_CHROOT = r"""
set -e
tcpeek -i lo -q -t 5 -u tcpeek 2>/tmp/tcpeek.err & pid=$!
for i in $(seq 50); do [ -S /run/tcpeek/tcpeek.sock ] && break; sleep 0.1; done
bash -c 'echo > /dev/tcp/127.0.0.1/9' 2>/dev/null || true
for i in $(seq 50); do tcpeekstat -j | grep -q '"reject":1' && break; sleep 0.1; done
tcpeekstat -j
grep -E '^(Uid|CapEff|NoNewPrivs)' /proc/$pid/status
kill $pid; wait $pid
"""


def installs_without_an_init(packages: Packages, cache: Path) -> None:
    """`apt install ./tcpeek.deb` brings what it needs; the program counts; a purge leaves nothing."""
    with overlaid(clean(cache)) as root:
        packages.put_into(root)
        assert not (root.path / "bin/systemctl").exists()
        root.run("sh", "-c", "apt-get update -qq && apt-get install -y -qq /srv/tcpeek.deb", network=True)
        assert account(root, "tcpeek")
        version = root.run("tcpeek", "--version").stdout
        assert version.startswith(f"tcpeek {packages.version}\n"), version
        answer = root.run("bash", "-c", IN_A_CHROOT).stdout.splitlines()
        counted = json.loads(answer[0])
        assert counted[0]["RX"]["failure"]["reject"] == 1, answer
        status = dict(line.split(":\t", 1) for line in answer[1:])
        assert int(status["CapEff"], 16) == 0 and status["NoNewPrivs"] == "1", status
        assert "0" not in status["Uid"].split(), status
        before = root.files()
        root.run("apt-get", "install", "-y", "-qq", "/srv/newer.deb")
        assert root.files() == before
        root.run("apt-get", "purge", "-y", "-qq", "tcpeek")
        left = [path for path in root.files() if "tcpeek" in path]
        assert not left and not account(root, "tcpeek"), left
        assert not (root.path / "run/tcpeek").exists()


def unit_is_sound(packages: Packages, cache: Path) -> None:
    """`systemd-analyze verify` says nothing, and `security` at most 2.0 of both units."""
    with overlaid(with_init(cache)) as root:
        packages.put_into(root)
        root.run("dpkg", "-i", "/srv/tcpeek.deb")
        for unit in ("tcpeek.service", "tcpeek@eth0.service"):
            said = root.run("systemd-analyze", "verify", "--man=no", unit)
            assert said.stdout + said.stderr == "", said
            text = root.run("systemd-analyze", "security", "--offline=true", "--no-pager",
                            "/lib/systemd/system/" + re.sub("eth0", "", unit)).stdout
            score = float(re.search(r"exposure level for \S+ ([\d.]+)", text)[1])
            print(f"  {unit}: exposure {score}")
            assert score <= 2.0, text


def service_runs(packages: Packages, cache: Path) -> None:
    """The whole life of the service under a real systemd."""
    with overlaid(with_init(cache)) as root:
        packages.put_into(root)
        with booted(root) as machine:
            service_scenes.play(machine)


def image_is_made(packages: Packages, cache: Path) -> None:
    """The Containerfile's image starts with its own command line and counts, with and without hooks."""
    image.make_and_play(packages.first, cache, packages.whole_image)


TESTS = (lintian_is_content, unit_is_sound, installs_without_an_init, service_runs, image_is_made)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--cache", type=Path, help="where the roots are kept (BUILD/packaging-roots)")
    parser.add_argument("--whole-image", action="store_true", help="build the package in the image, too")
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    needs("debootstrap", "dpkg-buildpackage", "dh", "lintian", "systemd-nspawn", "unshare", "nsenter", "ip",
          "buildah")
    own_mounts()
    build = options.build.resolve()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="tcpeek-packages-") as folder:
        packages = Packages(build, Path(folder), options.whole_image)
        cache = options.cache or build / "packaging-roots"
        for test in TESTS:
            if options.names and test.__name__ not in options.names:
                continue
            begin = time.monotonic()
            try:
                test(packages, cache)
                outcome = "ok"
            except (AssertionError, subprocess.SubprocessError, LookupError, ValueError):
                traceback.print_exc(file=sys.stdout)
                outcome = "FAILED"
                failed += 1
            print(f"{test.__name__}: {outcome} ({time.monotonic() - begin:.0f} s)", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
