"""A virtual machine: boots a kernel with an initramfs, reads its console, and ends it in time."""

from __future__ import annotations

import queue
import subprocess
import threading
import time
from pathlib import Path

QEMU = "qemu-system-x86_64"
TAIL = 60
# What the guest means for us begins so; first a hello, at the end its status.
MARK = "guest: "
HELLO = "hello"
END = "end "


class Failed(Exception):
    """The guest did not do what it should; the text has the end of its console."""


def _command(image: Path, initramfs: Path, parameters: str) -> list[str]:
    """All is emulated, also where the machine could do better: it is the same everywhere then."""
    return [
        "nice", "-n", "19", QEMU, "-nodefaults", "-no-user-config", "-no-reboot", "-nographic",
        "-machine", "pc,accel=tcg", "-cpu", "qemu64,+rdrand", "-smp", "1", "-m", "1536",
        "-serial", "stdio", "-kernel", str(image), "-initrd", str(initramfs),
        "-append", f"console=ttyS0 panic=-1 {parameters}",
    ]


class Console:
    """A guest that runs, and what it has said."""

    def __init__(self, image: Path, initramfs: Path, parameters: str) -> None:
        self._lines: list[str] = []
        self._coming: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            _command(image, initramfs, parameters), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._coming.put(line.rstrip("\r\n"))
        self._coming.put(None)

    def next_line(self, deadline: float, what: str) -> str:
        try:
            line = self._coming.get(timeout=max(deadline - time.monotonic(), 0))
        except queue.Empty:
            raise self.failure(f"{what} in time") from None
        if line is None:
            raise self.failure(f"{what} before the machine ended")
        self._lines.append(line)
        return line

    def failure(self, what: str) -> Failed:
        return Failed("\n".join([f"no {what}; its console ends with", *self._lines[-TAIL:]]))

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()


def run(image: Path, initramfs: Path, parameters: str, boot: float, work: float, say) -> int:
    """Boots, hands `say` each line that the guest means for us, and returns the guest's status."""
    console = Console(image, initramfs, parameters)
    try:
        deadline = time.monotonic() + boot
        while not console.next_line(deadline, "hello of the guest").endswith(MARK + HELLO):
            pass
        deadline = time.monotonic() + work
        while True:
            line = console.next_line(deadline, "end of the tests in the guest")
            _, mark, text = line.partition(MARK)
            if mark and text.startswith(END):
                return int(text.removeprefix(END))
            if mark:
                say(text)
    finally:
        console.close()
