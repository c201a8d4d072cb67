"""What the tests of tcpeek as a service need: a network namespace with an agent in it, a tcpeek
that runs there, and sockets in the places of the service manager and the journal."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT = 17, 0x4206, 0x4207
WALL = 0x40000000  # __WALL of waitpid(2)
THREADS = ("capture", "printer")
SLOWNESS = 4.0 if "--no-filter" in sys.argv else 1.0


class Failure(Exception):
    pass


def until(condition: Callable[[], bool], what: str, within: float = 5.0) -> None:
    end = time.monotonic() + within * SLOWNESS
    while not condition():
        if time.monotonic() > end:
            raise Failure(f"not within {within} s: {what}")
        time.sleep(0.02)


def status_of(thread: int) -> dict[str, str]:
    lines = Path(f"/proc/{thread}/status").read_text().splitlines()
    return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in lines)}


class Namespace:
    """A network namespace with loopback, a folder that everybody may enter, and an agent that opens
    connections there."""

    made = 0

    def __enter__(self) -> Namespace:
        Namespace.made += 1
        self.name = f"tcpeek-service-{os.getpid()}-{Namespace.made}"
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self._folder = tempfile.TemporaryDirectory(prefix="tcpeek-service-")
        os.chmod(self._folder.name, 0o755)
        self.ip("link set lo up")
        self._agent = subprocess.Popen(self.exec(sys.executable, __file__), stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.programs: list[Running] = []
        self._port = self.listen()
        return self

    def __exit__(self, *_: object) -> None:
        for program in self.programs:
            program.kill()
        self._agent.stdin.close()
        self._agent.wait()
        self._folder.cleanup()
        subprocess.run(["ip", "netns", "del", self.name], check=True)

    def exec(self, *command: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def ip(self, words: str) -> None:
        subprocess.run(["ip", "-n", self.name, *words.split()], check=True)

    def path(self, name: str) -> Path:
        return Path(self._folder.name) / name

    def _ask(self, *words: object) -> int:
        self._agent.stdin.write(" ".join(map(str, words)) + "\n")
        self._agent.stdin.flush()
        return int(self._agent.stdout.readline())

    def listen(self) -> int:
        return self._ask("listen")

    def connect(self, _tcpeek: Running, port: int | None = None) -> None:
        """Opens one connection and ends it."""
        self._ask("connect", port or self._port)

    def start_connect(self, port: int) -> None:
        self._ask("start", port)

    def drop_port(self) -> int:
        """A port where nothing is answered."""
        port = self.listen()
        rules = (f"table inet drops {{ chain input {{ type filter hook input priority 0; "
                 f"tcp dport {port} drop\n }}\n }}\n")
        subprocess.run(self.exec("nft", "-f", "-"), input=rules, text=True, check=True)
        return port


def agent() -> None:
    """Obeys a line, and answers with a number."""
    listeners: dict[int, socket.socket] = {}
    started = []
    for line in sys.stdin:
        what, *words = line.split()
        answer = 0
        if what == "listen":
            listener = socket.create_server(("127.0.0.1", 0))
            answer = listener.getsockname()[1]
            listeners[answer] = listener
        elif what == "connect":
            port = int(words[0])
            with socket.create_connection(("127.0.0.1", port)) as client:
                accepted, _ = listeners[port].accept()
                client.sendall(b"x")
                accepted.recv(1)
                accepted.close()
        elif what == "start":
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", int(words[0])))
            started.append(client)
        print(answer, flush=True)


class Manager:
    """The service manager's socket."""

    def __init__(self, space: Namespace) -> None:
        self.path = space.path("notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.path.chmod(0o666)
        self._socket.setblocking(False)
        self._unread: list[str] = []

    def read(self) -> list[str]:
        with contextlib.suppress(BlockingIOError):
            while True:
                self._unread.append(self._socket.recv(65536).decode())
        return self._unread

    def drain(self) -> None:
        self.read()
        self._unread = []

    def until(self, *parts: str, within: float = 5.0) -> str:
        """Waits for a message that has all of these, returns it, and forgets what came before it."""
        found = ""

        def came() -> bool:
            nonlocal found
            for place, message in enumerate(self.read()):
                if all(part in message for part in parts):
                    found = message
                    self._unread = self._unread[place + 1:]
                    return True
            return False

        try:
            until(came, "", within)
        except Failure:
            raise Failure(f"no message with {parts} in {self._unread}") from None
        return found


class Journal:
    """The journal's socket, and the pipe that is standard error to it."""

    def __init__(self, space: Namespace) -> None:
        self.path = space.path("journal")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self.path.chmod(0o666)
        self._socket.setblocking(False)
        self._entries: list[dict[str, str]] = []

    def _read(self) -> list[dict[str, str]]:
        with contextlib.suppress(BlockingIOError):
            while True:
                text = self._socket.recv(65536).decode()
                self._entries.append(dict(line.split("=", 1) for line in text.splitlines()))
        return self._entries

    def until(self, **fields: str) -> None:
        """An entry with these fields; of MESSAGE a part."""
        def matches(entry: dict[str, str]) -> bool:
            return all(value in entry.get(name, "") if name == "MESSAGE" else entry.get(name) == value
                       for name, value in fields.items())

        try:
            until(lambda: any(map(matches, self._read())), "")
        except Failure:
            raise Failure(f"no entry with {fields} in {self._entries}") from None


class Running:
    """A tcpeek in a namespace."""

    def __init__(self, space: Namespace, command: list[str], *, manager: Manager | None = None,
                 journal: Journal | None = None, watchdog: float | None = None,
                 environment: dict[str, str] | None = None, private_dev: bool = False, terminal: bool = False,
                 stdin: int = subprocess.DEVNULL, descriptors: int | None = None) -> None:
        self.command = command
        self._out, self._err = space.path(f"out{id(self)}"), space.path(f"err{id(self)}")
        surroundings = {name: value for name, value in os.environ.items()
                        if name not in ("NOTIFY_SOCKET", "INVOCATION_ID", "JOURNAL_STREAM")}
        surroundings |= environment or {}
        if manager:
            surroundings["NOTIFY_SOCKET"] = str(manager.path)
        if watchdog:
            surroundings["WATCHDOG_USEC"] = str(int(watchdog * 1e6))
        self._socket_path = command[command.index("-U") + 1] if "-U" in command else ""
        script = "set -e\n"
        session = ["setsid"]
        if terminal:
            # Standard input is the controlling terminal.
            self.master, stdin = os.openpty()
            session.append("--ctty")
        if private_dev:
            # `ip netns exec` has made a mount namespace.
            script += f"mount -t tmpfs none /dev; ln -s {space.path('log')} /dev/log\n"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            if journal:
                status = os.fstat(err.fileno())
                surroundings["JOURNAL_STREAM"] = f"{status.st_dev}:{status.st_ino}"
                script += ("mkdir -p /run/systemd/journal; mount -t tmpfs none /run/systemd/journal\n"
                           f"ln -s {journal.path} /run/systemd/journal/socket\n")
            script += 'exec "$@"'

            def limit() -> None:
                if descriptors:
                    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
                    resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))

            self.process = subprocess.Popen(
                space.exec(*session, "sh", "-c", script, "sh", *command), stdin=stdin, stdout=out,
                stderr=err, env=surroundings, preexec_fn=limit)
        if terminal:
            os.close(stdin)
        space.programs.append(self)

    def close_terminal(self) -> None:
        os.close(self.master)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def ended(self, status: int) -> None:
        until(lambda: self.process.poll() is not None, f"{self.command} ends", 10)
        if self.process.returncode != status:
            raise Failure(f"{self.command}: status {self.process.returncode}, not {status}: "
                          f"{self.errors()}")

    def still_runs(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.process.poll() is not None:
            raise Failure(f"{self.command}: ended with {self.process.returncode}: {self.errors()}")

    def output(self) -> str:
        return self._out.read_text()

    def errors(self) -> str:
        return self._err.read_text()

    def records(self) -> list[dict]:
        return [record for record in map(json.loads, self.output().splitlines())
                if "result" in record]

    def until_listening(self) -> None:
        # The heading is written by threads that start when all signals are taken care of.
        until(lambda: "listening on" in self.errors(), f"{self.command} listens")

    def answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self._socket_path) == 0

    def ask(self, line: str) -> str:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(5 * SLOWNESS)
            client.connect(self._socket_path)
            client.sendall(line.encode() + b"\n")
            answer = b""
            while piece := client.recv(65536):
                answer += piece
        return answer.decode()

    def json(self, line: str):
        return json.loads(self.ask(line))

    def threads(self) -> list[int]:
        """The main thread and those that tcpeek has named; a sanitizer has its own besides."""
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return [int(task.name) for task in tasks
                if int(task.name) == self.process.pid
                or (task / "comm").read_text().strip() in THREADS]

    def thread_named(self, name: str) -> int:
        for thread in self.threads():
            if Path(f"/proc/{self.process.pid}/task/{thread}/comm").read_text().strip() == name:
                return thread
        raise Failure(f"no thread {name}")

    @contextlib.contextmanager
    def stopped(self, thread: int) -> Iterator[None]:
        """One thread stands still: the kernel does that for a tracer only."""
        libc = ctypes.CDLL(None, use_errno=True)
        libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
        for request in (PTRACE_SEIZE, PTRACE_INTERRUPT):
            if libc.ptrace(request, thread, None, None) != 0:
                raise Failure(f"cannot trace: {os.strerror(ctypes.get_errno())}")
        os.waitpid(thread, WALL)
        try:
            yield
        finally:
            libc.ptrace(PTRACE_DETACH, thread, None, None)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    agent()
