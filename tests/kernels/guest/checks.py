"""What is tried on each kernel, in the guest. A check raises Failure, or returns what to tell."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import settings
from lab import Failure, Family, Host, Lab
from places import Pair, watch_all
from watch import Watch

WORK = Path("/work")
PROGRAM = str(WORK / "tcpeek")
Check = Callable[[dict], "str | None"]
CHECKS: dict[str, Check] = {}

# What goes over the wire while tcpeek watches, in segments of an Ethernet. Of these only two
# handshakes should reach it, and do; where the slow guest repeats a SYN, so does what comes until
# user space has judged the connection.
BULK_OCTETS = 6_000_000
BULK_PACKETS = 3_000
FEW = 0.1
FILTERED = ("tcx hooks with the kernel filter", "packet socket with the kernel filter")
CLASSIC = "packet socket with a classic filter"
NOTICE = "every TCP packet is looked at, which costs more, because "
NO_RIGHT = "there is no right to load programs into the kernel (CAP_BPF and CAP_NET_ADMIN)"
NO_MEMORY = ("too little memory may be locked for the filter's tables (ulimit -l unlimited, in a unit "
             "LimitMEMLOCK=infinity), or CAP_NET_ADMIN is missing")
NO_HOOKS = "the kernel has no tcx hooks (Linux 6.6 has)"


def check(work: Check) -> Check:
    CHECKS[work.__name__] = work
    return work


def must(true: bool, what: str) -> None:
    if not true:
        raise Failure(what)


def run(*command: str, status: int = 0, seconds: float = 60) -> str:
    """Both outputs of a command that ends by itself."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, timeout=seconds, check=False)
    must(done.returncode == status,
         f"{' '.join(command)}: status {done.returncode}, not {status}\n{done.stdout}")
    return done.stdout


def facts(*options: str, wrap: tuple[str, ...] = ()) -> dict[str, str]:
    lines = run(*wrap, PROGRAM, "--info", *options).splitlines()
    return dict(line.split(": ", 1) for line in lines if ": " in line)


def expect(found: dict[str, str], **wanted: str) -> None:
    for name, value in wanted.items():
        name = name.replace("_", " ")
        must(found.get(name) == value, f"--info: {name}: {found.get(name)}, not {value}")


@contextlib.contextmanager
def laboratory(name: str) -> Iterator[Lab]:
    lab = Lab(f"tcpeek-{os.getpid()}-{name}")
    try:
        yield lab
    finally:
        lab.close()


def engine_of(plan: dict) -> str:
    return FILTERED[0] if plan["hooks"] else FILTERED[1]


@check
def info(plan: dict) -> str:
    """`--info` says which engine runs, and why no other."""
    hooks = "yes" if plan["hooks"] else f"no: {NO_HOOKS}"
    expect(facts(), kernel_filter="yes", tcx_hooks=hooks, capture_engine=engine_of(plan))
    expect(facts("--capture=socket"), kernel_filter="yes", capture_engine=FILTERED[1])
    expect(facts("--filter-entries=0"), capture_engine="packet socket without a filter")
    return engine_of(plan)


@check
def start_line(plan: dict) -> str:
    """The line that is logged at the start says the same."""
    with laboratory("start") as lab, _log() as log:
        [each] = watch_all(lab, [(Pair(lab).server, ["-i", "eth0"], {})])
        each.stop()
        started = next((line for line in log() if " started on " in line), "nothing")
    wanted = ("by tcx hooks, with the kernel filter" if plan["hooks"] else
              f"by packet socket (no tcx hooks: {NO_HOOKS}), with the kernel filter")
    must(started.endswith(wanted), f"logged at the start: {started}, not {wanted}")
    must(NOTICE not in each.err.text, f"a notice without need\n{each.saved()}")
    return wanted


@contextlib.contextmanager
def _log() -> Iterator[Callable[[], list[str]]]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind("/dev/log")
        log.setblocking(False)

        def read() -> list[str]:
            lines = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    lines.append(log.recv(65536).decode())
            return lines

        try:
            yield read
        finally:
            os.unlink("/dev/log")


@check
def hooks_demanded(plan: dict) -> str | None:
    """`--capture=tcx` where there are no hooks: one line that says so, exit 1."""
    if plan["hooks"]:
        return None
    told = run(PROGRAM, "--capture=tcx", "-i", "lo", "-U", "none", status=1)
    must(told == f"tcpeek: cannot capture at the tcx hooks: {NO_HOOKS}; --capture=socket does "
                 "without them\n", told)
    return NO_HOOKS


def transfer(pair: Pair) -> int:
    """A bulk transfer in segments of an Ethernet; returns how many packets the server got."""
    for host in (pair.client, pair.server):
        run(*host.exec("ethtool", "-K", "eth0", "tso", "off", "gso", "off", "gro", "off"))
    before = _received(pair.server)
    connection = pair.connect(Family.V4, wait=10).must_be_open()
    accepted = pair.listeners[Family.V4].accept()
    sender = threading.Thread(target=_send, args=(connection.socket,))
    sender.start()
    left = BULK_OCTETS
    while left > 0:
        left -= len(accepted.recv(1 << 18)) or left
    sender.join()
    accepted.close()
    connection.close()
    return _received(pair.server) - before


def _send(sock: socket.socket) -> None:
    sock.setblocking(True)
    sock.sendall(bytes(BULK_OCTETS))


def _received(host: Host) -> int:
    listing = run(*host.exec("ip", "-s", "-j", "link", "show", "dev", "eth0"))
    return json.loads(listing)[0]["stats64"]["rx"]["packets"]


def stats(host: Host) -> dict:
    with host.inside():
        sock = socket.create_connection(("127.0.0.1", 9750), 10)
    with sock:
        sock.sendall(b"GET /stats HTTP/1.0\r\n\r\n")
        return json.loads(b"".join(iter(lambda: sock.recv(65536), b"")).split(b"\r\n\r\n", 1)[1])


def seen(each: Watch) -> int:
    return each.summaries()[-1]["capture"]["Packets received"]


def bulk(*options: str, wrap: list[str] | None = None) -> tuple[int, int]:
    """Packets of a transfer, and those that reached tcpeek, whose filter was exact all the time."""
    with laboratory("bulk") as lab:
        pair = Pair(lab)
        [each] = watch_all(
            lab, [(pair.server, ["-i", "eth0", "--http=9750", *options], {"wrap": wrap})]
        )
        packets = transfer(pair)
        each.until_records(1)
        # On old kernels a packet socket's table is changed by system calls, which need a right.
        second = pair.connect(Family.V6, wait=10).must_be_open()
        each.until_records(2)
        second.close()
        told = stats(pair.server)["kernel_filter"]
        each.stop()
        must([record["result"] for record in each.records()] == ["success"] * 2, each.saved())
    must(packets > BULK_PACKETS, f"the transfer had {packets} packets only")
    must(told["state"] == "exact" and told["degradations"] == 0 and told["removed"] == 2,
         f"the filter's state: {told}")
    return packets, seen(each)


def few_of_a_transfer(*options: str, wrap: list[str] | None = None) -> str:
    packets, reached = bulk(*options, wrap=wrap)
    told = f"{reached} of {packets} packets reached tcpeek"
    must(5 < reached < FEW * packets, told)
    return told


@check
def bulk_by_default(plan: dict) -> str:
    """Of a bulk transfer a few packets reach user space, and the filter's table is empty again."""
    return few_of_a_transfer()


@check
def bulk_by_socket(plan: dict) -> str:
    """The same by packet sockets."""
    return few_of_a_transfer("--capture=socket")


@check
def as_another_user(plan: dict) -> str:
    """The same once tcpeek is a user without rights: the table is still its own to change."""
    return few_of_a_transfer("--capture=socket", "-u", "nobody")


# What the service's unit gives, and the same without what only makes the programs faster.
SERVICE = "+net_raw,+net_admin,+bpf,+perfmon"


def as_service(rights: str) -> tuple[str, ...]:
    return ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set",
            f"-all,{rights}", "--inh-caps", f"-all,{rights}", "--ambient-caps", f"-all,{rights}")


UNLIMITED = ("prlimit", "--memlock=unlimited:unlimited")


@check
def as_a_service(plan: dict) -> str:
    """With the rights of the service's unit the programs load, and without CAP_PERFMON as well."""
    for rights in (SERVICE, SERVICE.replace(",+perfmon", "")):
        expect(facts(wrap=(*UNLIMITED, *as_service(rights))), kernel_filter="yes",
               capture_engine=engine_of(plan))
    return few_of_a_transfer("--capture=socket", wrap=[*UNLIMITED, *as_service(SERVICE)])


@check
def little_memory_to_lock(plan: dict) -> str:
    """Where tables are locked memory (before Linux 5.11) and too little is allowed, it says so."""
    limited = ("prlimit", "--memlock=65536:65536", *as_service(SERVICE))
    reason = f"no: {NO_MEMORY}" if plan["locks_tables"] else "yes"
    expect(facts(wrap=limited), kernel_filter=reason)
    return reason


@check
def without_rights(plan: dict) -> str:
    """With CAP_NET_RAW alone: one notice, a classic filter, and the verdicts are right."""
    less = ("setpriv", "--bounding-set", "-all,+net_raw", "--inh-caps", "-all,+net_raw")
    expect(facts(wrap=less), kernel_filter=f"no: {NO_RIGHT}", capture_engine=CLASSIC)
    with laboratory("less") as lab:
        pair = Pair(lab)
        [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], {"wrap": list(less)})])
        packets = transfer(pair)
        pair.connect(Family.V6, 81, wait=10).close()
        each.until_records(2)
        each.stop()
        results = [record["result"] for record in each.records()]
    must(results == ["success", "reject"], f"{results}\n{each.saved()}")
    must(each.err.text.count(NOTICE + NO_RIGHT) == 1, f"not one notice\n{each.saved()}")
    must(seen(each) >= packets, f"a classic filter let {seen(each)} of {packets} packets pass")
    return "classic filter"


@check
def without_btf(plan: dict) -> str:
    """A kernel that tells nothing of its types (BTF) runs the programs all the same."""
    run("mount", "-t", "tmpfs", "none", "/sys/kernel/btf")
    try:
        expect(facts(), kernel_filter="yes", capture_engine=engine_of(plan))
    finally:
        run("umount", "/sys/kernel/btf")
    return engine_of(plan)


@check
def comparison(plan: dict) -> str:
    """The programs, run on packets, change nothing of what is told; nor do the table's ways out."""
    told = ""
    for entries in ("65536", "1"):
        told = run(str(WORK / "filter_comparison"), entries, str(plan["sequences"]), "1",
                   *([str(WORK / "captures")] if plan["captures"] else []), seconds=3600)
    return told.strip()


def play(plan: dict, *options: str) -> str:
    command = [sys.executable, str(WORK / "netns/run.py"), "--tcpeek", PROGRAM, "--jobs", "1",
               "--slow", str(plan["slow"]), *(f"--only={name}" for name in plan["scenes"]), *options]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    must(done.returncode == 0, done.stdout)
    skipped = re.findall(r"^SKIP .*", done.stdout, re.M)
    return "\n".join([done.stdout.splitlines()[-1], *skipped])


@check
def scenes(plan: dict) -> str:
    """Scenes of tests/netns, by the engine that is chosen."""
    return play(plan)


@check
def scenes_by_socket(plan: dict) -> str:
    """The same by packet sockets, where these are not what is chosen."""
    return play(plan, "--option=--capture=socket")


settings.PROGRAM = PROGRAM
settings.SLOW = 5.0
