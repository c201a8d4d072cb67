#!/usr/bin/env python3
"""The examples for containers: the DaemonSet is YAML whose every field Kubernetes knows and whose parts
fit each other, the Containerfile's stages and files exist, and tcpeek takes the arguments of both.
Usage: examples_test.py --tcpeek PATH"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SKIPPED = 77

# Debian's, where packages put their modules.
PYTHON = "/usr/bin/python3"


def misfits(manifest: str) -> list[str]:
    """Fields of a manifest that Kubernetes does not know, or that are of another kind."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(manifest)
        file.flush()
        done = subprocess.run([PYTHON, SOURCE / "tests/packaging/kubernetes_fields.py", file.name],
                              capture_output=True, text=True, check=False)
    if done.returncode == SKIPPED:
        print(done.stdout, end="")
        sys.exit(SKIPPED)
    assert done.returncode in (0, 1) and not done.stderr, done.stderr
    return done.stdout.splitlines() if done.returncode else []


def check_fields(manifest: str) -> None:
    """All fit; and a field that is misspelt, of another kind or left out would have been found."""
    assert not misfits(manifest), misfits(manifest)
    for right, wrong, said in (("hostNetwork:", "hostNetworks:", "has no field hostNetworks"),
                               ("runAsUser: 0", "runAsUser: root", "is 'root', which is no int"),
                               ("  selector:\n", "  selectors:\n", "`selector`, must not be `None`")):
        assert right in manifest, right
        found = misfits(manifest.replace(right, wrong, 1))
        assert any(said in line for line in found), (wrong, found)


def accepts(tcpeek: Path, arguments: list[str]) -> None:
    """--info ends before anything is opened, but after all options were checked."""
    done = subprocess.run([tcpeek, *arguments, "--info"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"tcpeek {arguments}: {done.stderr}"


def check_daemonset(tcpeek: Path) -> None:
    import yaml  # pylint: disable=import-outside-toplevel
    path = SOURCE / "packaging/kubernetes/daemonset.yaml"
    documents = list(yaml.safe_load_all(path.read_text()))
    assert [document["kind"] for document in documents] == ["Namespace", "DaemonSet"]
    check_fields(path.read_text())
    namespace, daemonset = documents
    assert daemonset["metadata"]["namespace"] == namespace["metadata"]["name"]
    template = daemonset["spec"]["template"]
    labels = daemonset["spec"]["selector"]["matchLabels"].items()
    assert labels <= template["metadata"]["labels"].items()
    pod = template["spec"]
    container, = pod["containers"]
    port, = container["ports"]
    assert pod["hostNetwork"] and port["hostPort"] == port["containerPort"]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port["containerPort"])
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        get = container[probe]["httpGet"]
        assert get["path"] == "/healthz" and get["port"] == port["name"], probe
    context = container["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"] and not context["allowPrivilegeEscalation"]
    assert set(context["capabilities"]["add"]) == {"NET_RAW", "NET_ADMIN", "BPF", "PERFMON"}
    assert ({mount["name"] for mount in container["volumeMounts"]}
            == {volume["name"] for volume in pod["volumes"]})
    arguments = [word.replace("$(NODE_ADDRESS)", "192.0.2.1") for word in container["args"]]
    assert f"--http=192.0.2.1:{port['containerPort']}" in arguments
    assert any(variable["name"] == "NODE_ADDRESS" for variable in container["env"])
    version = re.search(r"project\(tcpeek VERSION (\S+)", (SOURCE / "CMakeLists.txt").read_text())[1]
    assert container["image"].endswith(f":{version}"), container["image"]
    accepts(tcpeek, arguments)


def check_containerfile(tcpeek: Path) -> None:
    text = (SOURCE / "packaging/Containerfile").read_text().replace("\\\n", "")
    lines = [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]
    known = {"FROM", "RUN", "COPY", "WORKDIR", "ENTRYPOINT", "CMD"}
    assert {name for name, _ in lines} <= known, {name for name, _ in lines} - known
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    assert set(re.findall(r"--from=(\S+)", text)) == stages == {"build"}
    for script in (line for name, line in lines if name == "RUN"):
        assert subprocess.run(["sh", "-n", "-c", script], check=False).returncode == 0, script
    targets = re.findall(r"^RUN make (\w+)$", text, re.MULTILINE)
    makefile = (SOURCE / "Makefile").read_text()
    assert targets and all(f"\n{target}:" in makefile for target in targets), targets
    values = dict(lines)
    assert json.loads(values["ENTRYPOINT"]) == ["/usr/sbin/tcpeek"]
    accepts(tcpeek, json.loads(values["CMD"]))
    ignored = (SOURCE / ".containerignore").read_text().split()
    assert "build" in ignored and ".git" in ignored


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--tcpeek", type=Path, required=True)
    tcpeek = parser.parse_args().tcpeek.resolve()
    try:
        import yaml  # noqa: F401 pylint: disable=unused-import,import-outside-toplevel
    except ImportError:
        print("SKIP: python3-yaml is not installed")
        return SKIPPED
    check_containerfile(tcpeek)
    check_daemonset(tcpeek)
    print("the DaemonSet and the Containerfile are sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
