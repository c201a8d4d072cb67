#!/usr/bin/env python3
"""Plays scenes of real hosts in network namespaces, watched by the real tcpeek; see README.md."""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from pathlib import Path
from types import FrameType

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import settings
from lab import Failure, Lab, Skip, sweep
from registry import SCENES, Scene

SKIPPED = 77
SCENE_SECONDS = 60.0
NEEDED = ("ip", "nft", "tcpdump", "setpriv")


def load_scenes() -> None:
    for path in sorted(HERE.glob("scenes_*.py")):
        importlib.import_module(path.stem)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, help="the program under test")
    parser.add_argument("--only", action="append", metavar="GLOB", help="scenes by name")
    parser.add_argument("--list", action="store_true", help="names the scenes and what they show")
    parser.add_argument(
        "--option", action="append", default=[], metavar="OPTION",
        help="an option that every tcpeek gets, such as --option=--capture=socket",
    )
    parser.add_argument("--jobs", type=int, default=4, help="scenes at a time (default 4)")
    parser.add_argument(
        "--slow", type=float, metavar="FACTOR",
        help="stretches all time limits (default 1, for a build with sanitizers 5)",
    )
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--prefix", help=argparse.SUPPRESS)
    return parser.parse_args()


def chosen_scenes(patterns: list[str] | None) -> list[Scene]:
    return [
        scene for scene in SCENES.values()
        if not patterns or any(fnmatch.fnmatch(scene.name, pattern) for pattern in patterns)
    ]


def reason_to_skip(program: Path | None) -> str | None:
    if program is None or not os.access(program, os.X_OK):
        return f"{program or 'tcpeek'} is not there, or no program (--tcpeek PATH)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}"
    probe = f"tcpeek-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return f"no network namespace: {made.stderr.strip()}" if made.returncode else None


def end_worker(_number: int, frame: FrameType | None) -> None:
    """Says where the scene was, for one that takes too long."""
    traceback.print_stack(frame, file=sys.stdout)
    sys.exit(1)


def slowness(program: Path) -> float:
    """How much more time the program needs than a plain build: one with sanitizers says so."""
    image = program.read_bytes()
    return 5.0 if any(name in image for name in (b"__asan_init", b"__tsan_init")) else 1.0


def play(name: str, prefix: str) -> int:
    """A worker's whole life: one scene."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end_worker)
    lab = Lab(prefix)
    try:
        SCENES[name].play(lab)
        return 0
    except Skip as skip:
        print(skip)
        return SKIPPED
    except Failure as failure:
        print(failure)
        return 1
    except Exception:
        traceback.print_exc(file=sys.stdout)
        return 1
    finally:
        lab.close()


class Director:
    """Plays scenes in processes of their own, several at a time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._prefix = f"tcpeek-{os.getpid()}"
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False
        self._made = 0
        self.failed: list[str] = []
        self.skipped: list[str] = []

    def play_all(self, scenes: list[Scene]) -> None:
        try:
            together = [scene for scene in scenes if not scene.alone]
            self._play_in_parallel(together, max(self._options.jobs, 1))
            self._play_in_parallel([scene for scene in scenes if scene.alone], 1)
        finally:
            self.stop()
            sweep(self._prefix)

    def stop(self) -> None:
        """Ends the scenes that are being played."""
        self._stopped = True
        for worker in list(self._running):
            worker.terminate()
        for worker in list(self._running):
            worker.wait()

    def _play_in_parallel(self, scenes: list[Scene], jobs: int) -> None:
        waiting: queue.SimpleQueue[Scene] = queue.SimpleQueue()
        for scene in scenes:
            waiting.put(scene)
        threads = [
            threading.Thread(target=self._play_from, args=(waiting,), daemon=True)
            for _ in range(jobs)
        ]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            time.sleep(0.1)

    def _play_from(self, waiting: queue.SimpleQueue[Scene]) -> None:
        while not self._stopped:
            try:
                scene = waiting.get_nowait()
            except queue.Empty:
                return
            self._play_one(scene)

    def _play_one(self, scene: Scene) -> None:
        with self._lock:
            self._made += 1
            prefix = f"{self._prefix}-{self._made}"
        begun = time.monotonic()
        command = [
            sys.executable, str(HERE / "run.py"), "--worker", scene.name, "--prefix", prefix,
            "--tcpeek", str(self._options.tcpeek), "--slow", str(self._options.slow),
            *(f"--option={option}" for option in self._options.option),
        ]
        worker = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        )
        self._running.add(worker)
        try:
            text, _ = worker.communicate(timeout=SCENE_SECONDS * self._options.slow)
        except subprocess.TimeoutExpired:
            worker.terminate()
            text, _ = worker.communicate()
            text += f"did not end within {SCENE_SECONDS * self._options.slow:g} s\n"
        self._running.discard(worker)
        sweep(prefix)
        self._tell(scene, worker.returncode, time.monotonic() - begun, text)

    def _tell(self, scene: Scene, status: int, seconds: float, text: str) -> None:
        with self._lock:
            if self._stopped:
                return
            if status == SKIPPED:
                self.skipped.append(scene.name)
                print(f"SKIP {scene.name}: {text.strip()}", flush=True)
            elif status == 0:
                print(f"ok   {scene.name} ({seconds:.1f} s)", flush=True)
            else:
                self.failed.append(scene.name)
                print(f"FAIL {scene.name} ({seconds:.1f} s): {scene.shows}", flush=True)
                print("".join(f"     {line}\n" for line in text.splitlines()), flush=True)


def main() -> int:
    options = arguments()
    load_scenes()
    scenes = chosen_scenes(options.only)
    if options.list:
        for scene in scenes:
            print(f"{scene.name}: {scene.shows}")
        return 0
    if reason := (None if options.worker else reason_to_skip(options.tcpeek)):
        print(f"SKIP: {reason}")
        return SKIPPED
    settings.PROGRAM = str(options.tcpeek.resolve())
    if options.slow is None:
        options.slow = slowness(options.tcpeek)
    settings.SLOW = options.slow
    settings.OPTIONS = options.option
    if options.worker:
        return play(options.worker, options.prefix)
    if not scenes:
        print(f"no scene is named {' or '.join(options.only)}; --list names them")
        return 2
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(130))
    begun = time.monotonic()
    director = Director(options)
    director.play_all(scenes)
    skipped = f", {len(director.skipped)} skipped" if director.skipped else ""
    print(f"{len(scenes)} scenes, {len(director.failed)} failed{skipped} "
          f"({time.monotonic() - begun:.0f} s)")
    return 1 if director.failed else 0


if __name__ == "__main__":
    sys.exit(main())
