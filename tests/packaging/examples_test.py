#!/usr/bin/env python3
"""The examples for containers: the DaemonSet is YAML whose every field Kubernetes knows and whose parts
fit each other, the Containerfile's stages and files exist, and tcpeek takes the arguments of both.
Debian has no tool that holds Kubernetes' schema, so the fields are written down here, after its API
reference (apps/v1, v1.30). Usage: examples_test.py --tcpeek PATH"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
SKIPPED = 77

TEXT, WHOLE, FLAG = str, int, bool
TEXTS = {"*": TEXT}
META = {"name": TEXT, "namespace": TEXT, "labels": TEXTS, "annotations": TEXTS}
PROBE = {"httpGet": {"host": TEXT, "path": TEXT, "port": (TEXT, WHOLE)}, "periodSeconds": WHOLE,
         "failureThreshold": WHOLE, "timeoutSeconds": WHOLE, "initialDelaySeconds": WHOLE}
CONTAINER = {
    "name": TEXT, "image": TEXT, "command": [TEXT], "args": [TEXT],
    "env": [{"name": TEXT, "value": TEXT, "valueFrom": {"fieldRef": {"fieldPath": TEXT}}}],
    "ports": [{"name": TEXT, "containerPort": WHOLE, "hostPort": WHOLE, "protocol": TEXT}],
    "securityContext": {"runAsUser": WHOLE, "allowPrivilegeEscalation": FLAG, "privileged": FLAG,
                        "readOnlyRootFilesystem": FLAG, "capabilities": {"drop": [TEXT], "add": [TEXT]},
                        "seccompProfile": {"type": TEXT}},
    "startupProbe": PROBE, "livenessProbe": PROBE, "readinessProbe": PROBE,
    "resources": {"requests": TEXTS, "limits": TEXTS},
    "volumeMounts": [{"name": TEXT, "mountPath": TEXT, "readOnly": FLAG}],
}
POD = {"hostNetwork": FLAG, "dnsPolicy": TEXT, "automountServiceAccountToken": FLAG,
       "enableServiceLinks": FLAG, "terminationGracePeriodSeconds": WHOLE,
       "tolerations": [{"operator": TEXT, "key": TEXT, "effect": TEXT}],
       "containers": [CONTAINER],
       "volumes": [{"name": TEXT, "emptyDir": {"medium": TEXT, "sizeLimit": TEXT}}]}
KINDS = {
    "Namespace": {"apiVersion": TEXT, "kind": TEXT, "metadata": META},
    "DaemonSet": {"apiVersion": TEXT, "kind": TEXT, "metadata": META,
                  "spec": {"selector": {"matchLabels": TEXTS},
                           "updateStrategy": {"type": TEXT, "rollingUpdate": {"maxUnavailable": (TEXT, WHOLE)}},
                           "template": {"metadata": META, "spec": POD}}},
}


def misfits(value, form, place: str) -> list[str]:
    """What in `value` is of another kind than `form`, or not known to it."""
    if isinstance(form, list):
        if not isinstance(value, list):
            return [f"{place} is no list"]
        return [line for i, item in enumerate(value) for line in misfits(item, form[0], f"{place}[{i}]")]
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return [f"{place} is no object"]
        unknown = [f"{place} has no field {key}" for key in value if key not in form and "*" not in form]
        return unknown + [line for key, item in value.items() if key in form or "*" in form
                          for line in misfits(item, form.get(key, form.get("*")), f"{place}.{key}")]
    fits = isinstance(value, form) and (form is bool or not isinstance(value, bool))
    return [] if fits else [f"{place} is {value!r}, a {type(value).__name__}"]


def accepts(tcpeek: Path, arguments: list[str]) -> None:
    """--info ends before anything is opened, but after all options were checked."""
    done = subprocess.run([tcpeek, *arguments, "--info"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"tcpeek {arguments}: {done.stderr}"


def check_daemonset(tcpeek: Path) -> None:
    import yaml  # pylint: disable=import-outside-toplevel
    path = SOURCE / "packaging/kubernetes/daemonset.yaml"
    documents = list(yaml.safe_load_all(path.read_text()))
    assert [document["kind"] for document in documents] == ["Namespace", "DaemonSet"]
    found = [line for document in documents
             for line in misfits(document, KINDS[document["kind"]], document["kind"])]
    assert not found, found
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
    assert set(context["capabilities"]["add"]) == {"NET_RAW", "NET_ADMIN", "BPF"}
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
    check_daemonset(tcpeek)
    check_containerfile(tcpeek)
    print("the DaemonSet and the Containerfile are sound")
    return 0


if __name__ == "__main__":
    sys.exit(main())
