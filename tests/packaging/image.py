"""The image of packaging/Containerfile, made by buildah without a registry: the clean root of Debian
stands in for the image that it begins with, and the package that is there for the stage that builds it
(`whole` plays that, too, which takes as long as a build)."""

import json
import re
import shutil
import tempfile
from pathlib import Path

from roots import clean, run

SOURCE = Path(__file__).resolve().parents[2]
BASE = "docker.io/library/debian:bookworm-slim"
# The arguments are what the image starts. Runs in a network namespace with nothing but lo in it.
PLAY = r"""
"$@" -i lo 2>/tmp/errors & pid=$!
for i in $(seq 50); do [ -S /run/tcpeek/tcpeek.sock ] && break; sleep 0.1; done
bash -c 'echo > /dev/tcp/127.0.0.1/9' 2>/dev/null || true
for i in $(seq 50); do tcpeekstat -j | grep -q '"reject":1' && break; sleep 0.1; done
tcpeekstat -j
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status
kill $pid; wait $pid || echo "status $?"
grep SUMMARY /tmp/errors
"""


class Buildah:
    """With a store of its own, which goes with the folder."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.command = ("buildah", "--root", str(folder / "store"), "--runroot", str(folder / "run"),
                        "--storage-driver", "overlay")

    def __call__(self, *words: str | Path, before: tuple[str, ...] = ()) -> str:
        return run(*before, *self.command, *words).stdout.strip()

    def end(self) -> None:
        self("rm", "--all")
        self("rmi", "--all", "--force")

    def image_from(self, root: Path, name: str) -> None:
        container = self("from", "scratch")
        self("add", "--quiet", container, root, "/")
        self("commit", "--quiet", container, name)
        self("rm", container)

    def build(self, recipe: Path, context: Path, name: str) -> None:
        self("bud", "--pull-never", "--isolation", "chroot", "--file", recipe, "--tag", name, context)

    def play(self, image: str, capabilities: tuple[str, ...]) -> list[str]:
        config = json.loads(self("inspect", "--type", "image", image))["OCIv1"]["config"]
        rights = [f"--cap-add=CAP_{name}" for name in capabilities]
        container = self("from", "--pull-never", "--isolation", "chroot", "--security-opt",
                         "seccomp=unconfined", *rights, image)
        try:
            return self("run", "--isolation", "chroot", *rights, container, "--", "bash", "-c", PLAY, "play",
                        *config["Entrypoint"], *config["Cmd"],
                        before=("unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh")
                        ).splitlines()
        finally:
            self("rm", container)


def without_building(text: str) -> str:
    """The recipe, with the first stage replaced by what comes out of it."""
    last = re.search(r"^FROM \S+\n(?:(?!^FROM ).*\n)*\Z", text, re.MULTILINE)
    return f"FROM {BASE} AS build\nCOPY *.deb /src/build/deb/\n{last[0]}"


def make_and_play(deb: Path, cache: Path, whole: bool) -> None:
    recipe = SOURCE / "packaging/Containerfile"
    assert set(re.findall(r"^FROM (\S+)", recipe.read_text(), re.MULTILINE)) == {BASE}
    with tempfile.TemporaryDirectory(prefix="tcpeek-image-") as name:
        folder = Path(name)
        buildah = Buildah(folder)
        try:
            buildah.image_from(clean(cache), BASE)
            if whole:
                buildah.build(recipe, SOURCE, "tcpeek")
            else:
                shutil.copy(deb, folder)
                (folder / "recipe").write_text(without_building(recipe.read_text()))
                buildah.build(folder / "recipe", folder, "tcpeek")
            # With NET_RAW alone by a packet socket; else by hooks, where the kernel has them.
            for given, kept in ((("NET_RAW",), {1 << 13}),
                                (("NET_RAW", "NET_ADMIN", "BPF"), {1 << 13, 1 << 12 | 1 << 39})):
                said = buildah.play("tcpeek", given)
                counted = json.loads(said[0])
                assert counted[0]["RX"]["failure"]["reject"] == 1, said
                status = dict(line.split(":\t", 1) for line in said[1:5])
                assert int(status["CapEff"], 16) in kept and int(status["CapBnd"], 16) == 0, status
                assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2"), status
                assert "SUMMARY" in said[5], said
                print(f"  image with {', '.join(given)}: effective capabilities {status['CapEff']}")
        finally:
            buildah.end()
