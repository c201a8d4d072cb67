"""Scenes of what is told to syslog."""

from __future__ import annotations

import re
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from lab import Failure, Family, Host, Lab
from places import Pair, link, need_hooks, until, watch
from registry import scene
from scenes_overflow import flood, resets
from watch import Watch

RX = {"filters": ("RX",), "interface": "eth0"}
PRIORITY = re.compile(r"<(\d+)>")
ERROR, WARNING, NOTICE, DEBUG = 3, 4, 5, 7


class Syslog:
    """A socket in the place of /dev/log, for one tcpeek alone."""

    def __init__(self, lab: Lab, name: str = "log") -> None:
        self.path = Path(f"/tmp/{lab.prefix}-{name}")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._socket.setblocking(False)
        lab.at_end(self.path.unlink)
        lab.at_end(self._socket.close)
        self.path.chmod(0o666)
        self.messages: list[str] = []

    def wrap(self) -> list[str]:
        """`ip netns exec` has made a mount namespace of its own; there, /dev holds only the log."""
        script = f'mount -t tmpfs none /dev && ln -s {self.path} /dev/log && exec "$@"'
        return ["sh", "-c", script, "sh"]

    def read(self) -> list[str]:
        while True:
            try:
                self.messages.append(self._socket.recv(65536).decode())
            except BlockingIOError:
                return self.messages

    def until_told(self, severity: int, *words: str) -> None:
        def told() -> bool:
            return any(
                severity_of(message) == severity and all(word in message for word in words)
                for message in self.read()
            )

        try:
            until(told, 5, "")
        except Failure:
            raise Failure(f"no message of severity {severity} with {words} in\n"
                          + "\n".join(self.messages)) from None


def severity_of(message: str) -> int:
    match = PRIORITY.match(message)
    return int(match[1]) & 7 if match else -1


def logging_watch(lab: Lab, host: Host, log: Syslog, *options: str) -> Watch:
    each = watch(lab, host, ["-i", "eth0", *options], wrap=log.wrap(), **RX)
    return each.until_listening()


@scene
def life(lab: Lab) -> None:
    """The start, an interface that goes down, comes up and vanishes, and the end are logged."""
    pair = Pair(lab)
    log = Syslog(lab)
    each = logging_watch(lab, pair.server, log)
    log.until_told(NOTICE, "tcpeek[", "started", "eth0")
    pair.server.ip("link set eth0 down")
    log.until_told(WARNING, "eth0", "down")
    pair.server.ip("link set eth0 up")
    until(lambda: link(pair.server, "eth0")["operstate"] == "UP", 5, "eth0 is up")
    log.until_told(WARNING, "eth0", "up")
    pair.server.ip("link del eth0")
    log.until_told(WARNING, "eth0", "vanished")
    each.end(15)
    each.check(status=1)
    log.until_told(NOTICE, "ended")


@scene
def drops(lab: Lab) -> None:
    """A burst of drops is logged at once, and what follows within the minute at the end only."""
    tell_bursts(lab, ["--capture=socket", "--filter-entries=0"], flood)


@scene
def drops_at_hooks(lab: Lab) -> None:
    """The same with the ring of the tcx hooks."""
    need_hooks()
    tell_bursts(lab, ["--capture=tcx", "--filter-entries=1000"], resets)


def tell_bursts(lab: Lab, options: list[str], overwhelm: Callable[[Pair], None]) -> None:
    pair = Pair(lab)
    log = Syslog(lab)
    each = logging_watch(lab, pair.server, log, "-B", "1", *options)

    def lose_packets() -> None:
        each.send(signal.SIGSTOP)
        overwhelm(pair)
        each.send(signal.SIGCONT)

    def told() -> list[str]:
        return [message for message in log.read() if "packets were dropped" in message]

    lose_packets()
    log.until_told(WARNING, "packets were dropped", "larger -B")
    lose_packets()
    time.sleep(1)
    if len(told()) != 1:
        raise Failure(f"two bursts within a minute: {told()}")
    each.stop()
    log.until_told(NOTICE, "ended")
    numbers = [list(map(int, re.findall(r"(\d+) packets were dropped, (\d+)", message)[0]))
               for message in told()]
    if len(numbers) != 2 or numbers[1][1] != numbers[0][0] + numbers[1][0]:
        raise Failure(f"told at the end: {told()}")


@scene
def levels(lab: Lab) -> None:
    """-l err tells nothing of an ordinary run; -l debug says which rule decided a session."""
    pair = Pair(lab)
    few, much = Syslog(lab, "few"), Syslog(lab, "much")
    watches = [
        logging_watch(lab, pair.server, few, "-l", "err"),
        logging_watch(lab, pair.server, much, "--loglevel=LOG_DEBUG"),
    ]
    flow = pair.connect(Family.V4).must_be_open().flow
    refused = pair.connect(Family.V4, 81).flow
    for each in watches:
        each.expect(flow, "success", "established", "ShA")
        each.expect(refused, "reject", "refused", "Sr")
        each.until_expected()
        each.stop()
        each.check()
    much.until_told(DEBUG, str(flow.sport), "established")
    much.until_told(DEBUG, str(refused.sport), "refused")
    much.until_told(NOTICE, "ended")
    if few.read():
        raise Failure(f"-l err told: {few.messages}")
