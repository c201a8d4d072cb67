#!/usr/bin/python3
"""Compares Kubernetes manifests with the models that its maintainers generate from the API's own
description (package python3-kubernetes): every field is known and of its kind, none that is required
is missing. Prints what is not so. Usage: kubernetes_fields.py FILE; status 77 without the package."""

import re
import sys
from pathlib import Path

try:
    import yaml
    from kubernetes.client import models
except ImportError as missing:
    print(f"SKIP: python3-kubernetes and python3-yaml are needed: {missing}")
    sys.exit(77)

PLAIN = {"str": (str,), "int": (int,), "bool": (bool,), "object": (str, int, dict), "float": (int, float)}


def misfits(value, kind: str, place: str) -> list[str]:
    """What in `value` is no `kind`, as the models name kinds: list[V1Container], dict(str, str), str."""
    if item := re.fullmatch(r"list\[(.+)\]", kind):
        if not isinstance(value, list):
            return [f"{place} is no list"]
        return [line for i, each in enumerate(value) for line in misfits(each, item[1], f"{place}[{i}]")]
    if item := re.fullmatch(r"dict\(str, (.+)\)", kind):
        if not isinstance(value, dict):
            return [f"{place} is no object"]
        return [line for key, each in value.items() for line in misfits(each, item[1], f"{place}.{key}")]
    if kind in PLAIN:
        fits = isinstance(value, PLAIN[kind]) and (kind == "bool" or not isinstance(value, bool))
        return [] if fits else [f"{place} is {value!r}, which is no {kind}"]
    return misfits_of_model(value, getattr(models, kind), place)


def misfits_of_model(value, model: type, place: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{place} is no object"]
    names = {shown: name for name, shown in model.attribute_map.items()}
    found = [f"{place} has no field {key}" for key in value if key not in names]
    known = {names[key]: each for key, each in value.items() if key in names}
    for name, each in known.items():
        found += misfits(each, model.openapi_types[name], f"{place}.{model.attribute_map[name]}")
    try:
        model(**known)
    except ValueError as error:
        found.append(f"{place}: {error}")
    return found


def main() -> int:
    found = []
    for document in yaml.safe_load_all(Path(sys.argv[1]).read_text()):
        model = getattr(models, "V1" + str(document.get("kind")), None)
        expected = "apps/v1" if document.get("kind") == "DaemonSet" else "v1"
        if model is None or document.get("apiVersion") != expected:
            found.append(f"{document.get('apiVersion')} has no {document.get('kind')}")
        else:
            found += misfits_of_model(document, model, document["kind"])
    print("\n".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
