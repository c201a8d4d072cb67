#!/usr/bin/env python3
"""The answers of tcpeek's statistics socket and of /stats against the schemas: of one that reads a
pipe, and of one that watches real connections on loopback in a network namespace, whose filters have
awkward names. Usage: answers.py --tcpeek PATH. The second needs root; without it a line that says so,
and status 77."""

from __future__ import annotations

import argparse
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "monitoring"))

from kit import (Failure, Ports, Program, Skip, Traffic, checked, enter_own_network, fetch, run_test,
                 scratch, wait_for)
from validation import Account, conclude, decode

HTTP_PORT = 9750
RUN_COUNTING = Path("/proc/sys/kernel/bpf_stats_enabled")
UNREACHABLE_PORT = 7004
# Names that could be taken for keys, for JSON, or for a path through it.
AWKWARD = ('he said "no\\", {ü雪} [0].x\'', "failure")
WRONG_LINES = (b"get\n", b"\n", b"GET STATS\n", b"\0\xff\n", b"x" * 200 + b"\n", b"GE")
# Sessions that ICMP errors ended, one of them of an unassigned code; and one that was refused and
# then succeeded.
SCRIPTS = ("icmp/unreachable_codes_v4.script", "retry/refused_then_accepted.script")
PCAP_HEADER_OCTETS = 24


def ask(path: Path, line: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        client.sendall(line)
        client.shutdown(socket.SHUT_WR)
        pieces = []
        while piece := client.recv(65536):
            pieces.append(piece)
        return b"".join(pieces)


class Accounts:
    """One for each kind of answer."""

    def __init__(self) -> None:
        self.all = [Account(name) for name in ("get", "refresh", "stats", "error")]
        self.get, self.refresh, self.stats, self.error = self.all

    def check_socket(self, source: str, path: Path) -> None:
        """Every command twice, and what is none."""
        for account, line in ((self.get, b"GET\n"), (self.refresh, b"REFRESH\n"),
                              (self.stats, b"STATS\r\n")):
            for turn in ("first", "second"):
                account.check(f"{source}, {turn} {account.name}", one_line(ask(path, line)))
        for line in WRONG_LINES:
            self.error.check(f"{source}, {line[:20]!r}", one_line(ask(path, line)))


def one_line(answer: bytes) -> bytes:
    if answer.count(b"\n") != 1 or not answer.endswith(b"\n"):
        raise Failure(f"not one line: {answer[:200]!r}")
    return answer


def names_are_kept(path: Path, wanted: list[str]) -> None:
    """Names come back as they were given, in this order. No schema can say that."""
    for line, further in ((b"GET\n", ["pcap"]), (b"REFRESH\n", [])):
        found = [name for element in decode(ask(path, line)) for name in element]
        if found != [*wanted, *further]:
            raise Failure(f"{line!r} has the names {found}")
    found = list(decode(ask(path, b"STATS\n"))["filters"])
    if found != wanted:
        raise Failure(f"STATS has the filters {found}")


def counted(path: Path, result: str, cause: str) -> int:
    filters = decode(ask(path, b"STATS\n"))["filters"]
    return filters[AWKWARD[0]]["sessions"][result].get(cause, 0)


@contextlib.contextmanager
def tcpeek_on_a_pipe(tcpeek: str, path: Path, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([tcpeek, "-r", "-", "-q", "--icmp", "-U", path, *arguments],
                               stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    try:
        wait_for("the socket", 10, path.exists)
        yield process
    finally:
        process.stdin.close()
        process.wait(timeout=10)


def packets_of(script: str, folder: Path) -> bytes:
    path = folder / "packets.pcap"
    checked([sys.executable, str(TESTS / "scripts" / "run.py"), "--dump", script,
             "v4-eth-us-pcap-full", str(path)])
    return path.read_bytes()


def check_a_pipe(tcpeek: str, folder: Path, accounts: Accounts) -> None:
    path = folder / "pipe.sock"
    with tcpeek_on_a_pipe(tcpeek, path, *(f"{name}:ANY@*:*" for name in AWKWARD)) as process:
        accounts.check_socket("a pipe without packets", path)
        for number, script in enumerate(SCRIPTS):
            process.stdin.write(packets_of(script, folder)[PCAP_HEADER_OCTETS if number else 0:])
        process.stdin.flush()
        wait_for("an ICMP cause", 10, lambda: counted(path, "unreach", "icmp_other"))
        wait_for("a success", 10, lambda: counted(path, "success", "established"))
        accounts.check_socket("a pipe", path)
        names_are_kept(path, ["ALL", *AWKWARD])


def reject_by_icmp(port: int) -> None:
    checked(["nft", "-f", "-"], f"""table inet schema {{
        chain input {{
            type filter hook input priority 0;
            tcp dport {port} reject with icmpx type port-unreachable
        }}
    }}""")


def connect_unreachable() -> None:
    with socket.socket() as client, contextlib.suppress(OSError):
        client.settimeout(2)
        client.connect(("127.0.0.1", UNREACHABLE_PORT))


def check_live(tcpeek: str, folder: Path, accounts: Accounts) -> None:
    enter_own_network()
    reject_by_icmp(UNREACHABLE_PORT)
    path = folder / "live.sock"
    command = [tcpeek, "-i", "lo", "-q", "--icmp", "-U", str(path), f"--http={HTTP_PORT}",
               *(f"{name}:RX@*:*" for name in AWKWARD)]
    with Traffic(Ports()) as traffic, Program(command, folder / "tcpeek.log") as program:
        program.wait_ready(lambda: ask(path, b"GET\n"))
        traffic.succeed(3)
        traffic.reset_early(1)
        traffic.be_refused(2)
        connect_unreachable()
        with traffic.unanswered(1):
            wait_for("4 successes", 10, lambda: counted(path, "success", "established") >= 4)
            wait_for("2 refusals", 10, lambda: counted(path, "reject", "refused") >= 2)
            wait_for("an ICMP cause", 10, lambda: counted(path, "unreach", "icmp_3_3") >= 1)
            accounts.check_socket("loopback", path)
            names_are_kept(path, ["RX", "TX", *AWKWARD])
            accounts.stats.check("/stats",
                                 one_line(fetch(f"http://127.0.0.1:{HTTP_PORT}/stats").encode()))


@contextlib.contextmanager
def kernel_counts_runs() -> Iterator[None]:
    """The kernel counts how often its programs run, and how long, only when it is asked to."""
    before = RUN_COUNTING.read_text()
    RUN_COUNTING.write_text("1")
    try:
        yield
    finally:
        RUN_COUNTING.write_text(before)


def check_small_filter(tcpeek: str, folder: Path, accounts: Accounts) -> None:
    """A kernel filter that is too small for the refused attempts that are remembered."""
    path = folder / "small.sock"
    command = [tcpeek, "-i", "lo", "-q", "-U", str(path), "--filter-entries=1",
               *(f"{name}:RX@*:*" for name in AWKWARD)]
    with kernel_counts_runs(), Traffic(Ports()) as traffic, \
            Program(command, folder / "small.log") as program:
        program.wait_ready(lambda: ask(path, b"GET\n"))
        traffic.be_refused(3)
        wait_for("3 refusals", 10, lambda: counted(path, "reject", "refused") >= 3)
        accounts.check_socket("a small filter", path)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", required=True)
    tcpeek = str(Path(parser.parse_args().tcpeek).resolve())
    accounts = Accounts()
    with scratch() as folder:
        ended = run_test(lambda: check_a_pipe(tcpeek, folder, accounts))
        ended = ended or run_test(lambda: check_live(tcpeek, folder, accounts))
        ended = ended or run_test(lambda: check_small_filter(tcpeek, folder, accounts))
    if ended == 0 and not any(account.problems for account in accounts.all):
        for account in accounts.all:
            account.check_all_shown({})
    return conclude(accounts.all) or ended


if __name__ == "__main__":
    sys.exit(main())
