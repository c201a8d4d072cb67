#!/usr/bin/env python3
"""tcpeek as a service: what it tells its manager, what it may still do once it runs, what SIGHUP
reads again, and several beside each other. Usage: run.py --tcpeek PATH [--no-filter] [NAME...];
--no-filter is for builds whose sanitizer excludes the filter of system calls. Needs root; without
it a line that says so, and status 77."""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kit import Failure, Journal, Manager, Namespace, Running, status_of, until

SKIPPED = 77
TESTS: dict[str, Callable] = {}
TCPEEK = ""
FILTERED = True

RIGHTS_WITHOUT = "0" * 16
NET_RAW = "0" * 12 + "2000"
TCX = "0000008000001000"  # CAP_NET_ADMIN and CAP_BPF
TCX_AND_RAW = "0000008000003000"
HOOK_RIGHTS = "cap_bpf,cap_net_admin,cap_net_raw,cap_perfmon"


def test(play: Callable) -> Callable:
    TESTS[play.__name__] = play
    return play


def run(space: Namespace, *options: str, **how) -> Running:
    return Running(space, [TCPEEK, *options], **how)


def hooks_work() -> bool:
    facts = subprocess.run([TCPEEK, "--info"], capture_output=True, text=True, check=True).stdout
    return "tcx hooks: yes" in facts


@test
def ready_when_capture_runs(space: Namespace) -> None:
    """READY=1 with a status comes when packets are taken, STOPPING=1 at the end."""
    manager = Manager(space)
    tcpeek = run(space, "-i", "lo", "-q", "-U", str(space.path("s")), manager=manager)
    manager.until("READY=1", "STATUS=watching lo")
    before = tcpeek.ask("GET")
    space.connect(tcpeek)
    until(lambda: tcpeek.ask("GET") != before, "a connection after READY=1 is counted")
    tcpeek.signal(signal.SIGTERM)
    manager.until("STOPPING=1")
    tcpeek.ended(0)


@test
def ready_without_an_interface(space: Namespace) -> None:
    """With --wait the service is ready, and its status says what it waits for and then has."""
    manager = Manager(space)
    run(space, "-i", "v0", "--wait", "-q", "-U", "none", manager=manager)
    manager.until("READY=1", "STATUS=waiting for v0")
    space.ip("link add v0 type veth peer name v1")
    space.ip("link set v0 up")
    manager.until("STATUS=watching v0")
    space.ip("link del v0")
    manager.until("STATUS=waiting for v0")


@test
def the_first_usable_interface(space: Namespace) -> None:
    """With --wait and no interface named, the status has the one that was found, and nothing else."""
    manager = Manager(space)
    tcpeek = run(space, "--wait", "-U", str(space.path("s")), manager=manager)
    manager.until("READY=1", "STATUS=waiting for an interface that is up")
    if (interfaces := tcpeek.json("STATS")["capture"]["interfaces"]) != {}:
        raise Failure(f"before there is one: {interfaces}")
    with Namespace() as other:
        for name in ("v0", "w0"):
            space.ip(f"link add {name} type veth peer name {name} netns {other.name}")
            other.ip(f"link set {name} up")
            space.ip(f"link set {name} up")
            if (told := manager.until("STATUS=watching")) != f"STATUS=watching {name}":
                raise Failure(f"with {name}: {told}")
            if (interfaces := list(tcpeek.json("STATS")["capture"]["interfaces"])) != [name]:
                raise Failure(f"STATS has {interfaces}")
            space.ip(f"link del {name}")
            manager.until("STATUS=waiting for an interface that is up")
    if "waiting for interface v0" in tcpeek.errors():
        raise Failure(f"any other will do, too: {tcpeek.errors()}")


@test
def promiscuous_later(space: Namespace) -> None:
    """--wait --promisc: an interface that comes later is made promiscuous, with what rights are left,
    by either engine, and is no more when tcpeek has ended."""
    def promiscuity() -> int:
        shown = subprocess.run(["ip", "-d", "-j", "-n", space.name, "link", "show", "v0"],
                               capture_output=True, text=True, check=True).stdout
        return json.loads(shown)[0]["promiscuity"]

    engines = {"socket": NET_RAW} | ({"tcx": TCX_AND_RAW} if hooks_work() else {})
    for engine, capabilities in engines.items():
        manager = Manager(space)
        tcpeek = run(space, "-i", "v0", "--wait", "--promisc", f"--capture={engine}", "-q", "-u", "nobody",
                     "-U", "none", manager=manager)
        manager.until("READY=1")
        expect_rights(tcpeek, uid="65534", capabilities=capabilities)
        for _ in range(2):
            space.ip("link add v0 type veth peer name v1")
            space.ip("link set v0 up")
            manager.until("STATUS=watching v0")
            if promiscuity() != 1:
                raise Failure(f"{engine}: promiscuity {promiscuity()}")
            space.ip("link del v0")
            manager.until("STATUS=waiting for v0")
        space.ip("link add v0 type veth peer name v1")
        space.ip("link set v0 up")
        manager.until("STATUS=watching v0")
        tcpeek.signal(signal.SIGTERM)
        tcpeek.ended(0)
        until(lambda: promiscuity() == 0, f"{engine}: no longer promiscuous")
        space.ip("link del v0")
        manager.path.unlink()


@test
def watchdog(space: Namespace) -> None:
    """WATCHDOG=1 comes while the capture thread works, and only then."""
    manager = Manager(space)
    tcpeek = run(space, "-i", "lo", "-q", "-U", "none", manager=manager, watchdog=0.4)
    manager.until("READY=1")
    for _ in range(3):
        manager.until("WATCHDOG=1", within=2)
    threads = tcpeek.threads()
    if len(threads) < 3:
        raise Failure(f"three threads were expected: {threads}")
    with tcpeek.stopped(tcpeek.thread_named("capture")):
        manager.drain()
        time.sleep(1.2)
        if told := [each for each in manager.read() if "WATCHDOG=1" in each]:
            raise Failure(f"the capture thread stands, and still: {told}")
    manager.until("WATCHDOG=1", within=3)


@test
def no_manager(space: Namespace) -> None:
    """Without a manager SIGHUP ends the program as SIGTERM does; INVOCATION_ID makes it a service."""
    tcpeek = run(space, "-i", "lo", "-U", "none")
    tcpeek.until_listening()
    tcpeek.signal(signal.SIGHUP)
    tcpeek.ended(0)
    if "TCPEEK SUMMARY" not in tcpeek.errors():
        raise Failure("no summary after SIGHUP")
    service = run(space, "-i", "lo", "-U", "none", environment={"INVOCATION_ID": "x"})
    service.until_listening()
    service.signal(signal.SIGHUP)
    service.still_runs(0.5)


@test
def in_a_terminal(space: Namespace) -> None:
    """In a terminal INVOCATION_ID means nothing, and a terminal that is closed means the end, also
    with --config, where SIGHUP reloads else."""
    shell = run(space, "-i", "lo", "-U", "none", environment={"INVOCATION_ID": "x"}, terminal=True)
    shell.until_listening()
    shell.signal(signal.SIGHUP)
    shell.ended(0)
    shell.close_terminal()
    file = space.path("conf")
    write(file, "interface = lo")
    window = run(space, f"--config={file}", "-U", "none", terminal=True)
    window.until_listening()
    window.signal(signal.SIGHUP)
    window.still_runs(0.5)
    window.close_terminal()
    window.ended(0)


@test
def file_capability(space: Namespace) -> None:
    """With the rights in the file that the README names an ordinary user captures, by packet sockets or
    by hooks, and gives up afterwards what is not needed."""
    program = space.path("tcpeek")
    shutil.copy(TCPEEK, program)
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    with_hooks = ((HOOK_RIGHTS, (), RIGHTS_WITHOUT), (HOOK_RIGHTS, ("--wait",), TCX)) if hooks_work() else ()
    for given, options, capabilities in (("cap_net_raw", (), RIGHTS_WITHOUT),
                                         ("cap_net_raw", ("--wait",), NET_RAW), *with_hooks):
        subprocess.run(["setcap", f"{given}+ep", program], check=True)
        choice = "--capture=tcx" if given == HOOK_RIGHTS else "--capture=auto"
        tcpeek = Running(space, [*nobody, str(program), "-i", "lo", "-U", "none", choice, *options])
        tcpeek.until_listening()
        space.connect(tcpeek)
        until(lambda: "success" in tcpeek.errors(), "the connection is shown")
        for thread in tcpeek.threads():
            status = status_of(thread)
            if (status["CapPrm"], status["NoNewPrivs"]) != (capabilities, "1"):
                raise Failure(f"{options}: {status['CapPrm']}, {status['NoNewPrivs']}")
        tcpeek.signal(signal.SIGTERM)
        tcpeek.ended(0)
    without = Running(space, [*nobody, TCPEEK, "-i", "lo", "-U", "none"])
    without.ended(1)
    if "setcap cap_net_raw+ep" not in without.errors():
        raise Failure(f"the message: {without.errors()}")


def demonstrate(space: Namespace, *, unshare: str | None = None) -> tuple[int, str]:
    """demo/live.py as an ordinary user, from where one may read it."""
    program, script = space.path("tcpeek"), space.path("live.py")
    shutil.copy(TCPEEK, program)
    shutil.copy(Path(__file__).parents[2] / "demo" / "live.py", script)
    path = os.environ["PATH"]
    if unshare:
        fake = space.path("bin") / "unshare"
        fake.parent.mkdir()
        fake.write_text(unshare)
        fake.chmod(0o755)
        path = f"{fake.parent}:{path}"
    done = subprocess.run(
        ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3",
         str(script), str(program)], capture_output=True, text=True, timeout=60,
        env={**os.environ, "PATH": path}, check=False)
    return done.returncode, done.stderr


@test
def demonstration(space: Namespace) -> None:
    """An ordinary user sees it in namespaces of its own; where those are not allowed, what to do."""
    status, text = demonstrate(space, unshare="#!/bin/sh\necho not allowed here >&2\nexit 1\n")
    if status != 1 or "sudo make run" not in text or "not allowed here" not in text:
        raise Failure(f"without namespaces: {status}: {text}")
    allowed = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                              "unshare", "-Urn", "true"], capture_output=True, check=False)
    if allowed.returncode != 0:
        print("SKIP    the rest of it: this machine does not allow user namespaces")
        return
    with Namespace() as other:
        status, text = demonstrate(other)
    if status != 0 or text.count("Success: 6 session") != 2:
        raise Failure(f"in namespaces: {status}: {text}")


def write(path: Path, *lines: str) -> None:
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o644)


def names_of(tcpeek: Running) -> list[str]:
    return [next(iter(each)) for each in tcpeek.json("GET") if "pcap" not in each]


def successes(tcpeek: Running) -> dict[str, int]:
    return {name: value["success"]["total"] for each in tcpeek.json("GET")
            for name, value in each.items() if name != "pcap"}


@test
def reload(space: Namespace) -> None:
    """SIGHUP with --config changes filters; the counters of those that stay, stay, and so do those
    of one that comes back; REFRESH tells every session once through all of it."""
    manager = Manager(space)
    file = space.path("conf")
    first, second = space.listen(), space.listen()
    write(file, f'expression = ["A:RX@*:{first}", "B:RX@*:{second}"]', "loglevel = notice")
    tcpeek = run(space, "-i", "lo", "-o", "json", "-U", str(space.path("s")), f"--config={file}",
                 manager=manager)
    manager.until("READY=1")
    refreshed = {"A": 0, "B": 0, "RX": 0, "C": 0}

    def refresh() -> None:
        for each in tcpeek.json("REFRESH"):
            for name, value in each.items():
                if name in refreshed:
                    refreshed[name] += value["success"]["total"]

    def open_both() -> None:
        space.connect(tcpeek, first)
        space.connect(tcpeek, second)

    open_both()
    until(lambda: successes(tcpeek) == {"RX": 2, "TX": 2, "A": 1, "B": 1}, "both are counted")
    refresh()
    open_both()
    until(lambda: successes(tcpeek)["A"] == 2, "A has two")

    write(file, f'expression = ["B:RX@*:{second}", "C:RX@*:{first}"]')
    reload_now(tcpeek, manager)
    if successes(tcpeek) != {"RX": 4, "TX": 4, "B": 2, "C": 0}:
        raise Failure(f"after the reload: {successes(tcpeek)}")
    refresh()
    open_both()
    until(lambda: successes(tcpeek) == {"RX": 6, "TX": 6, "B": 3, "C": 1}, "B and C count")
    if (names := list(tcpeek.json("STATS")["filters"])) != ["RX", "TX", "B", "C"]:
        raise Failure(f"STATS has {names}")

    write(file, f'expression = ["A:RX@*:{first}", "B:RX@*:{second}"]')
    reload_now(tcpeek, manager)
    if successes(tcpeek) != {"RX": 6, "TX": 6, "A": 2, "B": 3}:
        raise Failure(f"A has come back: {successes(tcpeek)}")
    refresh()
    # A's second session came before A was gone, and is told now that it is back.
    if refreshed != {"A": 2, "B": 3, "RX": 6, "C": 0}:
        raise Failure(f"REFRESH told {refreshed}")
    filters = [record["filters"] for record in tcpeek.records()]
    if [sorted(each) for each in filters] != [
            ["A", "RX", "TX"], ["B", "RX", "TX"], ["A", "RX", "TX"], ["B", "RX", "TX"],
            ["C", "RX", "TX"], ["B", "RX", "TX"]]:
        raise Failure(f"records name {filters}")


def reload_now(tcpeek: Running, manager: Manager) -> None:
    manager.drain()
    tcpeek.signal(signal.SIGHUP)
    manager.until("RELOADING=1", "MONOTONIC_USEC=")
    manager.until("READY=1")


@test
def reload_while_pending(space: Namespace) -> None:
    """A session that is pending at a reload is counted by the filters that it had, where they stay."""
    manager = Manager(space)
    file = space.path("conf")
    port = space.drop_port()
    write(file, f'expression = ["A:TX@*:{port}", "B:TX@*:{port}"]', "timeout = 2")
    tcpeek = run(space, "-i", "lo", "-q", "-U", str(space.path("s")), f"--config={file}",
                 manager=manager)
    manager.until("READY=1")
    space.start_connect(port)
    until(lambda: tcpeek.json("STATS")["pending"]["total"] > 0, "a session is pending")
    write(file, f'expression = ["C:TX@*:{port}", "B:TX@*:{port}"]', "timeout = 2")
    reload_now(tcpeek, manager)

    def failures() -> dict[str, int]:
        return {name: value["failure"]["timeout"] for each in tcpeek.json("GET")
                for name, value in each.items() if name != "pcap"}

    until(lambda: failures()["B"] == 1, "B counts the timeout", 8)
    if failures() != {"RX": 1, "TX": 1, "C": 0, "B": 1}:
        raise Failure(f"timeouts: {failures()}")


@test
def bad_reload(space: Namespace) -> None:
    """A configuration that is wrong, or gone, changes nothing, and the log says where and why; what
    needs a restart is named."""
    manager, journal = Manager(space), Journal(space)
    file = space.path("conf")
    write(file, 'expression = "A:RX@*:80"')
    tcpeek = run(space, "-i", "lo", "-q", "-U", str(space.path("s")), f"--config={file}",
                 manager=manager, journal=journal)
    manager.until("READY=1")
    write(file, 'expression = "A:RX@*:80"', 'expression = "B:rx@*:80"')
    reload_now(tcpeek, manager)
    journal.until(PRIORITY="3", TCPEEK_EVENT="reload_failed",
                  MESSAGE=f"{file}:2: expression 'B:rx@*:80': position 3")
    file.unlink()
    reload_now(tcpeek, manager)
    journal.until(PRIORITY="3", MESSAGE=f"cannot read {file}")
    if names_of(tcpeek) != ["RX", "TX", "A"]:
        raise Failure(f"the filters are {names_of(tcpeek)}")
    write(file, 'expression = "B:RX@*:80"', "http = 9751", "timeout = 5", "loglevel = debug")
    reload_now(tcpeek, manager)
    journal.until(PRIORITY="4", MESSAGE="only a restart applies them: timeout, http")
    journal.until(PRIORITY="5", TCPEEK_EVENT="reloaded", TCPEEK_FILTERS="RX, TX, B")
    if names_of(tcpeek) != ["RX", "TX", "B"]:
        raise Failure(f"the filters are {names_of(tcpeek)}")
    # The log's level is one of what is read again.
    space.connect(tcpeek)
    journal.until(PRIORITY="7", MESSAGE="established")


@test
def journal_fields(space: Namespace) -> None:
    """With standard error in the journal, entries have fields; the first names version, interfaces,
    filters and the state of the kernel filter."""
    version = subprocess.run([TCPEEK, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    manager, journal = Manager(space), Journal(space)
    space.ip("link add v0 type veth peer name v1")
    space.ip("link set v0 up")
    run(space, "-i", "v0", "--wait", "-q", "-U", "none", "WEB:RX@*:80", manager=manager,
        journal=journal)
    journal.until(PRIORITY="5", SYSLOG_IDENTIFIER="tcpeek", TCPEEK_EVENT="started",
                  TCPEEK_VERSION=version, TCPEEK_INTERFACES="v0", TCPEEK_FILTERS="RX, TX, WEB",
                  MESSAGE=f"version {version} started on v0, filters RX, TX, WEB, by ")
    journal.until(TCPEEK_EVENT="started", MESSAGE="filter" if hooks_work() else "packet socket")
    space.ip("link set v0 down")
    journal.until(PRIORITY="4", TCPEEK_EVENT="went_down", TCPEEK_INTERFACE="v0")


@test
def log_that_is_absent(space: Namespace) -> None:
    """No journal, no /dev/log, and one that comes only later: nothing is harmed, and it is found."""
    tcpeek = run(space, "-i", "lo", "-q", "-l", "debug", "-U", str(space.path("s")),
                 private_dev=True)
    until(lambda: space.path("s").exists(), "the socket is there")
    space.connect(tcpeek)
    tcpeek.still_runs(0.3)
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(str(space.path("log")))
    space.path("log").chmod(0o666)
    log.settimeout(0.2)

    def told() -> bool:
        space.connect(tcpeek)
        try:
            return b"established" in log.recv(65536)
        except TimeoutError:
            return False

    until(told, "the log that came later hears of sessions", 10)


def expect_rights(tcpeek: Running, *, uid: str, capabilities: str) -> None:
    wanted = {"Uid": " ".join([uid] * 4), "Groups": "", "CapInh": RIGHTS_WITHOUT,
              "CapPrm": capabilities, "CapEff": capabilities, "CapBnd": RIGHTS_WITHOUT,
              "CapAmb": RIGHTS_WITHOUT, "NoNewPrivs": "1", "Seccomp": "2" if FILTERED else "0"}
    for thread in tcpeek.threads():
        status = status_of(thread)
        if differing := {name: (status[name], value) for name, value in wanted.items()
                         if status[name] != value}:
            raise Failure(f"thread {thread} has (found, wanted): {differing}")


@test
def rights(space: Namespace) -> None:
    """What every thread has left, by its own status in /proc, with and without -u."""
    socket_path = str(space.path("s"))
    with_hooks = ((("--wait", "-u", "nobody"), "65534", TCX),) if hooks_work() else ()
    for options, uid, capabilities in (
            ((), "0", RIGHTS_WITHOUT),
            (("-u", "nobody"), "65534", RIGHTS_WITHOUT),
            (("--wait", "--capture=socket"), "0", NET_RAW),
            (("--wait", "--capture=socket", "-u", "nobody"), "65534", NET_RAW),
            *with_hooks):
        tcpeek = run(space, "-i", "lo", "-q", "-U", socket_path, *options)
        # The threads start when everything was given up; the socket is there before.
        until(lambda: tcpeek.answers() and len(tcpeek.threads()) >= 3, "it runs")
        expect_rights(tcpeek, uid=uid, capabilities=capabilities)
        tcpeek.signal(signal.SIGTERM)
        tcpeek.ended(0)


@test
def rights_of_files(space: Namespace) -> None:
    """Reading a file gives up everything, too, before its first byte is looked at."""
    for options, uid in (((), "0"), (("-u", "nobody"), "65534")):
        tcpeek = run(space, "-r", "-", "-q", *options, stdin=subprocess.PIPE)
        until(lambda: len(tcpeek.threads()) >= 3, "it runs")
        expect_rights(tcpeek, uid=uid, capabilities=RIGHTS_WITHOUT)
        tcpeek.signal(signal.SIGTERM)
        tcpeek.ended(0)


@test
def private_files(space: Namespace) -> None:
    """Files that only root can read are read as nobody; one that is missing is told in its turn."""
    good = space.path("private.pcap")
    good.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    good.chmod(0o600)
    missing = space.path("missing.pcap")
    for user in ((), ("-u", "nobody")):
        tcpeek = run(space, "-r", str(good), "-r", str(missing), "-r", str(good), *user)
        tcpeek.ended(1)
        lines = [line for line in tcpeek.errors().splitlines() if line.startswith("tcpeek:")]
        if len(lines) != 1 or f"cannot open {missing}: No such file" not in lines[0]:
            raise Failure(f"lines: {lines}")
        if "TCPEEK SUMMARY" not in tcpeek.errors():
            raise Failure("the other files were not read")


@test
def many_files(space: Namespace) -> None:
    """More files than the usual limit of descriptors."""
    good = space.path("one.pcap")
    good.write_bytes(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    options = [part for _ in range(300) for part in ("-r", str(good))]
    tcpeek = run(space, *options, "-q", descriptors=64)
    tcpeek.ended(0)


@test
def config_not_readable_later(space: Namespace) -> None:
    """A file that USER cannot read starts the program, with a warning; a reload keeps what runs."""
    manager, journal = Manager(space), Journal(space)
    file = space.path("conf")
    write(file, 'expression = "A:RX@*:80"', "user = nobody")
    file.chmod(0o600)
    tcpeek = run(space, "-i", "lo", "-q", "-U", str(space.path("s")), f"--config={file}",
                 manager=manager, journal=journal)
    manager.until("READY=1")
    journal.until(PRIORITY="4", MESSAGE="cannot be read any more")
    reload_now(tcpeek, manager)
    journal.until(PRIORITY="3", MESSAGE="Permission denied")
    file.chmod(0o644)
    reload_now(tcpeek, manager)
    journal.until(PRIORITY="5", TCPEEK_EVENT="reloaded")


@test
def side_by_side(space: Namespace) -> None:
    """Two in different namespaces with sockets of their own count only their own traffic."""
    with Namespace() as other:
        here = run(space, "-i", "lo", "-q", "-U", str(space.path("s")))
        there = run(other, "-i", "lo", "-q", "-U", str(other.path("s")), "-u", "nobody")
        for each in (here, there):
            until(each.answers, "it answers")
        for _ in range(3):
            space.connect(here)
        other.connect(there)
        until(lambda: successes(here)["RX"] == 3, "three here")
        until(lambda: successes(there)["RX"] == 1, "one there")
        third = run(space, "-i", "lo", "-q", "-U", str(space.path("s")))
        third.ended(1)
        if "listens on it" not in third.errors():
            raise Failure(f"the third said: {third.errors()}")
        here.signal(signal.SIGTERM)
        here.ended(0)
        there.still_runs(0.2)


@test
def on_one_interface(space: Namespace) -> None:
    """Several on the same interface, by hooks and by a packet socket, each with filters of its own and
    one with a table that is too small: all see all, and go on when another ends, even by force."""
    often, seldom = space.listen(), space.listen()
    engines = ("tcx", "tcx", "socket", "socket") if hooks_work() else ("socket", "socket")
    alive = []
    for place, engine in enumerate(engines):
        mine, per_round = ((often, 2), (seldom, 1))[place % 2]
        tcpeek = run(space, "-i", "lo", "-q", "-U", str(space.path(f"s{place}")), f"--capture={engine}",
                     f"--filter-entries={1 if place == 1 else 1000}", f"MINE:RX@*:{mine}")
        until(tcpeek.answers, "it answers")
        alive.append((tcpeek, per_round))
    rounds = 0
    while alive:
        rounds += 1
        for port in (often, seldom, often):
            space.connect(alive[0][0], port)
        for tcpeek, per_round in alive:
            wanted = {"RX": 3 * rounds, "TX": 3 * rounds, "MINE": per_round * rounds}
            until(lambda: successes(tcpeek) == wanted,  # pylint: disable=cell-var-from-loop
                  f"{tcpeek.command} has {wanted}")
        alive.pop(0)[0].kill()


@test
def check_config(space: Namespace) -> None:
    """--check-config prints what it would run, in a form that is a configuration itself."""
    file, copy = space.path("conf"), space.path("copy")
    write(file, "interface = lo", "quiet", 'expression = ["A#1:RX@*:80", "B:TX@[::1]:1"]')
    tcpeek = run(space, f"--config={file}", "--check-config", "-t", "3")
    tcpeek.ended(0)
    printed = tcpeek.output()
    copy.write_text(printed)
    again = run(space, f"--config={copy}", "--check-config")
    again.ended(0)
    if again.output() != printed or 'timeout = "3"' not in printed:
        raise Failure(f"first\n{printed}then\n{again.output()}")
    write(file, "quite = true")
    wrong = run(space, f"--config={file}", "--check-config")
    wrong.ended(2)
    if wrong.errors() != f"tcpeek: {file}:1: unknown option 'quite'; did you mean quiet?\n":
        raise Failure(wrong.errors())
    run(space, "--config=/nonexistent", "--check-config").ended(1)


def main() -> int:
    global TCPEEK, FILTERED
    parser = argparse.ArgumentParser()
    parser.add_argument("--tcpeek", required=True)
    parser.add_argument("--no-filter", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    TCPEEK, FILTERED = str(Path(arguments.tcpeek).resolve()), not arguments.no_filter
    if os.geteuid() != 0:
        print("SKIP: needs root, for network namespaces and to give up rights")
        return SKIPPED
    failed = 0
    for name in arguments.names or TESTS:
        with Namespace() as space:
            try:
                TESTS[name](space)
                print(f"ok      {name}", flush=True)
            except Failure as failure:
                failed += 1
                print(f"FAILED  {name}: {failure}", flush=True)
    print(f"{len(arguments.names or TESTS)} tests, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
