#!/usr/bin/env python3
"""Boots real kernels of Debian's suites in emulated machines, and has the real tcpeek show on each
which engine it takes, that its programs load, that few packets pass its filter, and that scenes with
real hosts are judged as everywhere.
Usage: run.py --tcpeek PROGRAM --comparison PROGRAM --folder FOLDER [--suite SUITE]... [--full]"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import image
import machine
from packages import SUITES, Kernel, Unavailable, fetch

SKIPPED = 77
FIRST_WITH_HOOKS = (6, 6)
FIRST_THAT_LOCKS_NO_TABLES = (5, 11)
# By how much more patient the scenes are.
SLOW = 6
BOOT_SECONDS = 300
WORK_SECONDS = 1200
FULL_WORK_SECONDS = 4 * 3600
CHECKS = ["info", "start_line", "hooks_demanded", "bulk_by_default", "bulk_by_socket",
          "as_another_user", "as_a_service", "little_memory_to_lock", "without_rights",
          "without_btf", "comparison", "scenes", "scenes_by_socket"]
# Not where packet sockets are what is chosen.
WITH_HOOKS_ONLY = ("bulk_by_socket", "scenes_by_socket")
# Whose verdicts do not hang on times that an emulated machine cannot keep: a router's two copies of
# a packet are 2 ms apart at most.
FEW_SCENES = ["capture.interface_appears", "capture.loopback", "capture.vlan_interfaces",
              "capture.vlan_tag", "capture.vrf", "life.user"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--comparison", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True, help="keeps what was fetched")
    parser.add_argument("--suite", action="append", choices=SUITES, help="default: all")
    parser.add_argument("--full", action="store_true", help="all scenes and scripts, for hours")
    parser.add_argument("--check", action="append", choices=CHECKS, help="default: all")
    parser.add_argument("--scene", action="append", metavar="GLOB", help="instead of a few scenes")
    return parser.parse_args()


def plan_for(kernel: Kernel, options: argparse.Namespace) -> dict:
    hooks = kernel.version >= FIRST_WITH_HOOKS
    checks = [name for name in options.check or CHECKS if hooks or name not in WITH_HOOKS_ONLY]
    scenes = options.scene or (["*"] if options.full else FEW_SCENES)
    return {
        "hooks": hooks,
        "locks_tables": kernel.version < FIRST_THAT_LOCKS_NO_TABLES,
        "checks": checks,
        "scenes": scenes,
        "slow": SLOW,
        "sequences": 10_000 if options.full else 500,
        "captures": options.full,
    }


def pack(kernel: Kernel, plan: dict, programs: Path, scratch: Path) -> Path:
    own = image.Image(scratch / "plan")
    own.add_text(str(image.WORK / "plan.json"), json.dumps(plan))
    own.pack(scratch / "plan.cpio")
    image.pack_modules(scratch / "modules", scratch / "modules.cpio", kernel)
    whole = scratch / "initramfs"
    image.join([programs, scratch / "modules.cpio", scratch / "plan.cpio"], whole)
    return whole


def write_scripts(folder: Path) -> None:
    """As tests/kernel does."""
    place = HERE.parent / "kernel/run.py"
    spec = importlib.util.spec_from_file_location("kernel_run", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.write_scripts(folder)


def say(text: str) -> None:
    print(f"  {text}", flush=True)


def try_suite(name: str, options: argparse.Namespace, programs: Path, scratch: Path) -> bool:
    begun = time.monotonic()
    print(name, flush=True)
    try:
        kernel = fetch(SUITES[name], options.folder.resolve() / name)
        initramfs = pack(kernel, plan_for(kernel, options), programs, scratch)
        failed = machine.run(kernel.image, initramfs, "", BOOT_SECONDS,
                             FULL_WORK_SECONDS if options.full else WORK_SECONDS, say)
    except (Unavailable, machine.Failed) as error:
        say(f"FAIL {error}")
        failed = 1
    say(f"{failed} failed ({time.monotonic() - begun:.0f} s)")
    return failed == 0


def main() -> int:
    options = arguments()
    if os.geteuid() != 0 or os.uname().machine != "x86_64":
        print("SKIP: a guest's root is made by root, and its kernels are for x86_64")
        return SKIPPED
    if shutil.which(machine.QEMU) is None:
        print(f"SKIP: {machine.QEMU} is not installed")
        return SKIPPED
    good = True
    with tempfile.TemporaryDirectory(prefix="tcpeek-kernels-") as folder:
        scratch = Path(folder)
        captures = scratch / "captures" if options.full else None
        if captures is not None:
            captures.mkdir()
            write_scripts(captures)
        programs = scratch / "programs.cpio"
        image.pack_programs(scratch / "programs", programs,
                            {"tcpeek": options.tcpeek, "filter_comparison": options.comparison},
                            captures)
        for name in options.suite or SUITES:
            good = try_suite(name, options, programs, scratch) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
