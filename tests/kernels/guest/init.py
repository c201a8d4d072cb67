"""The first process of the guest: mounts what there must be, does what the plan says, and tells the
console; each line that is meant for the machine outside begins with `guest: `."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from pathlib import Path

WORK = Path("/work")
sys.path[:0] = [str(WORK / "guest"), str(WORK / "netns")]

MOUNTS = (
    ("proc", "proc", "/proc"),
    ("sysfs", "sysfs", "/sys"),
    ("devpts", "devpts", "/dev/pts"),
    ("tmpfs", "tmpfs", "/run"),
    ("tmpfs", "tmpfs", "/tmp"),
)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}


def say(text: str) -> None:
    for line in text.splitlines():
        print(f"guest: {line}", flush=True)


def set_up() -> None:
    os.environ.update(ENVIRONMENT)
    for kind, source, place in MOUNTS:
        os.makedirs(place, exist_ok=True)
        subprocess.run(["mount", "-t", kind, source, place], check=True)
    # From here on the console is ours; what the kernel has to say of grave faults still comes.
    Path("/proc/sys/kernel/printk").write_text("3 4 1 3\n")
    Path("/proc/sys/kernel/panic_on_oops").write_text("1\n")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def do(name: str, work, plan: dict) -> bool:
    begun = time.monotonic()
    try:
        told = work(plan) or ""
    except Exception as error:  # whatever it is, the other checks follow
        where = "" if type(error).__name__ == "Failure" else traceback.format_exc()
        say(f"FAIL {name}: {error}\n{where}".rstrip())
        return False
    say(f"ok   {name} ({time.monotonic() - begun:.1f} s){': ' if told else ''}{told}")
    return True


def main() -> int:
    from checks import CHECKS

    plan = json.loads((WORK / "plan.json").read_text())
    say(f"Linux {os.uname().release}, up after {float(Path('/proc/uptime').read_text().split()[0]):.0f} s")
    failed = [name for name, work in CHECKS.items()
              if name in plan["checks"] and not do(name, work, plan)]
    return len(failed)


if __name__ == "__main__":
    status = 99
    try:
        set_up()
        say("hello")
        status = main()
    except BaseException:
        say(traceback.format_exc())
    say(f"end {status}")
    # The machine outside ends the guest; the first process must not end before.
    while True:
        time.sleep(60)
