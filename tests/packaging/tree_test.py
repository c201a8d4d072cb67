#!/usr/bin/env python3
"""`make install`, `make uninstall` and `make dist` of a build that is there, staged in a folder.
Usage: tree_test.py --build BUILD"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
# Below the prefix, but for /etc.
INSTALLED = {
    "sbin/tcpeek", "bin/tcpeekstat", "/etc/default/tcpeek", "lib/sysusers.d/tcpeek.conf",
    "lib/systemd/system/tcpeek.service", "lib/systemd/system/tcpeek@.service",
    "share/man/man8/tcpeek.8", "share/man/man1/tcpeekstat.1",
    "share/man/ja/man8/tcpeek.8", "share/man/ja/man1/tcpeekstat.1",
    *(f"share/bash-completion/completions/{name}" for name in ("tcpeek", "tcpeekstat")),
    *(f"share/zsh/site-functions/_{name}" for name in ("tcpeek", "tcpeekstat")),
    *(f"share/fish/vendor_completions.d/{name}.fish" for name in ("tcpeek", "tcpeekstat")),
    *(f"share/doc/tcpeek/{name}" for name in (
        "README.md", "README.ja.md", "CHANGELOG.md", "SECURITY.md", "docs/service.md", "docs/json.md",
        "docs/schema/stats.json", "packaging/prometheus/tcpeek-alerts.yml",
        "packaging/grafana/tcpeek.json", "packaging/kubernetes/daemonset.yaml")),
}


def run(*command: str | Path, **rest) -> str:
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, **rest)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


def make(target: str, build: Path, stage: Path) -> str:
    """As a user calls it, but what is built is not built again."""
    return run("make", "--no-print-directory", "--old-file=build", target, f"BUILD={build}",
               f"DESTDIR={stage}", "PREFIX=/opt/peek", cwd=SOURCE)


def files(folder: Path) -> set[str]:
    paths = ("/" + str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir())
    return {path.removeprefix("/opt/peek/") for path in paths}


def installs_and_removes(build: Path, folder: Path) -> None:
    stage = folder / "stage"
    stranger = stage / "opt/peek/share/bash-completion/completions/stranger"
    stranger.parent.mkdir(parents=True)
    stranger.touch()
    make("install", build, stage)
    installed = files(stage)
    assert not INSTALLED - installed, f"not installed: {sorted(INSTALLED - installed)}"
    unit = (stage / "opt/peek/lib/systemd/system/tcpeek.service").read_text()
    assert "\nExecStart=/opt/peek/sbin/tcpeek " in unit, unit
    assert not re.search("@[A-Z]+@", unit), unit
    assert os.access(stage / "opt/peek/sbin/tcpeek", os.X_OK)
    make("uninstall", build, stage)
    assert files(stage) == {"share/bash-completion/completions/stranger"}, files(stage)
    assert not (stage / "opt/peek/share/doc/tcpeek").exists()


def keeps_changed_settings(build: Path, folder: Path) -> None:
    stage = folder / "changed"
    setting = stage / "etc/default/tcpeek"
    make("install", build, stage)
    setting.write_text("TCPEEK_INTERFACES='-i eth7'\n")
    assert "stays as it is" in make("install", build, stage)
    assert "stays" in make("uninstall", build, stage)
    assert files(stage) == {"/etc/default/tcpeek"} and "eth7" in setting.read_text()


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def packs_sources(_: Path, folder: Path) -> None:
    """The tarball is the same whenever it is made, is complete, and needs no git and no network."""
    tarball = Path(run(SOURCE / "packaging/dist.sh", folder / "dist").strip())
    if (SOURCE / ".git").exists():
        with tarfile.open(tarball) as archive:
            packed = {name.split("/", 1)[1] for name in archive.getnames()}
        tracked = {name for name in run("git", "ls-files", cwd=SOURCE).splitlines() if (SOURCE / name).exists()}
        assert packed == tracked, packed ^ tracked
    run("tar", "-xf", tarball, "-C", folder)
    unpacked = folder / tarball.name.removesuffix(".tar.gz")
    again = Path(run(unpacked / "packaging/dist.sh", unpacked / "build/dist").strip())
    assert digest(again) == digest(tarball), "packed again it is another"
    silent = ["unshare", "--net"] if os.getuid() == 0 else []
    without_git = folder / "programs"
    without_git.mkdir()
    for program in os.listdir("/usr/bin"):
        if program != "git":
            (without_git / program).symlink_to(f"/usr/bin/{program}")
    run(*silent, "cmake", "--preset", "release", cwd=unpacked, env={"PATH": str(without_git)})
    run("cmake", "--build", "--preset", "release", "--target", "tcpeek_base", cwd=unpacked)


def names_who_answers(_: Path, folder: Path) -> None:
    """The maintainer of the package: whoever builds it, if he says so, in control and changelog alike."""
    shutil.copytree(SOURCE / "packaging", folder / "packaging")
    shutil.copy(SOURCE / "CHANGELOG.md", folder)
    nobody = {name: value for name, value in os.environ.items() if name not in ("DEBFULLNAME", "DEBEMAIL")}
    alice = {"DEBFULLNAME": "Alice Example", "DEBEMAIL": "alice@example.org"}
    for said, wanted in (({}, "the tcpeek authors <maintainers@tcpeek.invalid>"),
                         (alice, "Alice Example <alice@example.org>")):
        shutil.rmtree(folder / "debian", ignore_errors=True)
        shutil.copytree(SOURCE / "packaging/debian", folder / "debian")
        run(sys.executable, SOURCE / "packaging/debian_files.py", folder, env={**nobody, **said})
        control, changelog = ((folder / "debian" / name).read_text() for name in ("control", "changelog"))
        assert f"\nMaintainer: {wanted}\n" in control, control
        assert set(re.findall(r"^ -- (.*>)  ", changelog, re.MULTILINE)) == {wanted}, changelog


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", type=Path, required=True)
    build = parser.parse_args().build.resolve()
    assert shutil.which("make"), "make is not installed"
    failed = 0
    for test in (installs_and_removes, keeps_changed_settings, packs_sources, names_who_answers):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(build, Path(folder))
                print(f"{test.__name__}: ok")
            except AssertionError as error:
                print(f"{test.__name__}: FAILED: {error}")
                failed += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
