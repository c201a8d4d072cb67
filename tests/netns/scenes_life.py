"""Scenes of the program's life: interfaces that go and come, signals, users, ends."""

from __future__ import annotations

import json
import os
import pwd
import re
import signal
import time
from pathlib import Path

import settings
from lab import FAMILIES, Failure, Host, Lab
from places import Pair, hear_news, kernel_is_older_than, link, until, watch, watch_all
from registry import scene, scene_alone
from traffic import Listener, connect
from watch import Watch

RX = {"filters": ("RX",), "interface": "eth0"}


def succeed(pair: Pair, *watches: Watch) -> None:
    """A success of each family, expected by the watchers; returns when they have told it."""
    for family in FAMILIES:
        flow = pair.connect(family, wait=5).must_be_open().flow
        for each in watches:
            each.expect(flow, "success", "established", "ShA")
    for each in watches:
        each.until_expected()


def stop_all(*watches: Watch, status: int = 0) -> None:
    for each in watches:
        each.stop()
        each.check(status)


# Their bits in /proc/PID/status (capabilities(7)).
CAP_BPF = 1 << 39
CAP_BPF_AND_NET_ADMIN = CAP_BPF | 1 << 12


@scene
def down_and_up(lab: Lab) -> None:
    """An interface goes down and up again: tcpeek says so and goes on counting."""
    pair = Pair(lab)
    watches = watch_all(lab, [(pair.server, ["-i", name], RX) for name in ("eth0", "any")])
    succeed(pair, *watches)
    pair.server.ip("link set eth0 down")
    until(lambda: link(pair.server, "eth0")["operstate"] == "DOWN", 5, "eth0 is down")
    watches[0].until_said("eth0 went down")
    pair.server.ip("link set eth0 up")
    until(lambda: link(pair.server, "eth0")["operstate"] == "UP", 5, "eth0 is up")
    watches[0].until_said("eth0 is up")
    hear_news()
    succeed(pair, *watches)
    stop_all(*watches)


@scene
def one_vanishes(lab: Lab) -> None:
    """One of two interfaces vanishes: tcpeek names it and goes on with the other."""
    pair = Pair(lab)
    lab.link(pair.client, "eth9", pair.server, "eth9")
    watches = watch_all(
        lab,
        [
            (pair.server, ["-i", "eth9", "-i", "eth0"], RX),
            (pair.server, ["-i", "eth0", "-i", "eth9"], RX),
            (pair.server, ["-i", "any"], RX),
        ],
    )
    succeed(pair, *watches)
    pair.server.ip("link del eth9")
    for each in watches[:2]:
        each.until_said("eth9")
        each.until_said("vanished")
    succeed(pair, *watches)
    stop_all(*watches)


@scene
def waits_for_interfaces(lab: Lab) -> None:
    """With --wait an interface that is absent at the start and later deleted is watched again."""
    pair = Pair(lab)
    options = ["-i", "eth9", "--wait"]
    settings_of = {"filters": ("RX",), "interface": "eth9"}
    plain = watch(lab, pair.server, options, **settings_of)
    as_nobody = watch(lab, pair.server, [*options, "-u", "nobody"], **settings_of)
    watches = (plain, as_nobody)
    for each in watches:
        each.until_said("waiting for interface eth9")
    for life in (1, 2):
        lab.link(pair.client, "eth9", pair.server, "eth9")
        pair.client.add_address("eth9", "10.0.9.1", 24)
        pair.server.add_address("eth9", "10.0.9.2", 24)
        for each in watches:
            each.until(lambda each=each: each.err.text.count("watching it") == life, 5,
                       "eth9 is not watched")
        time.sleep(0.3)  # an address that was added a moment ago is not known yet
        listener = Listener(pair.server, "10.0.9.2", 80, 16)
        connection = connect(pair.client, "10.0.9.2", 80, source="10.0.9.1", wait=5)
        lab.at_end(connection.must_be_open().close)
        for each in watches:
            each.expect(connection.flow, "success", "established", "ShA")
            each.until_expected()
        pair.server.ip("link del eth9")
        listener.close()
        for each in watches:
            each.until(lambda each=each: each.err.text.count("waiting for") == life + 1, 5,
                       "eth9 is not waited for")
    stop_all(*watches)


@scene
def last_vanishes(lab: Lab) -> None:
    """The last interface vanishes: what was captured is told, the summary comes, exit 1."""
    pair = Pair(lab)
    lab.link(pair.client, "eth9", pair.server, "eth9")
    watches = watch_all(
        lab,
        [
            (pair.server, ["-i", "eth0"], RX),
            (pair.server, ["-i", "eth9", "-i", "eth0"], RX),
        ],
    )
    succeed(pair, *watches)
    pair.server.ip("link del eth9", "link del eth0")
    for each in watches:
        each.end()
        each.check(status=1)
        if not re.search(r"^tcpeek: .*vanished", each.err.text, re.MULTILINE):
            raise Failure(f"nothing says that the interfaces have vanished\n{each.saved()}")


def end_within(watches: list[Watch], number: signal.Signals, limit: float) -> None:
    for each in watches:
        each.stop(number)
        each.check()
        if each.ended_after > limit * settings.SLOW:
            raise Failure(f"{number.name}: ended after {each.ended_after:.3f} s, limit {limit} s\n"
                          f"{each.saved()}")


@scene_alone
def quick_end(lab: Lab) -> None:
    """SIGINT and SIGTERM end it with exit 0 within 0.2 s, idle or not, on one source or many."""
    pair = Pair(lab)
    for number in (signal.SIGINT, signal.SIGTERM):
        watches = watch_all(
            lab,
            [
                (pair.server, ["-i", "eth0"], RX),
                (pair.server, ["-i", "any"], RX),
                (pair.server, ["-i", "lo", "-i", "eth0"], RX),
            ],
        )
        succeed(pair, *watches)
        idle = watch_all(lab, [(pair.server, ["-i", "lo"], {})])
        end_within([*watches, *idle], number, 0.2)


@scene
def records_at_the_end(lab: Lab) -> None:
    """What is captured right before SIGINT is judged and counted."""
    pair = Pair(lab)
    for _ in range(5):
        [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
        for family in FAMILIES:
            flow = pair.connect(family).must_be_open().flow
            each.expect(flow, "success", "established", "ShA")
        stop_all(each)


@scene
def second_sigint(lab: Lab) -> None:
    """A reader that does not read holds up the end; a second SIGINT ends at once, exit 130."""
    pair = Pair(lab)
    held = watch(lab, pair.server, ["-i", "eth0"], unread=True, **RX).until_listening()
    [other] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    # About 12 kB of records, for a pipe of 4 kB.
    for _ in range(20):
        succeed(pair, other)
    stop_all(other)
    held.send(signal.SIGINT)
    until(lambda: signal_taken(held, signal.SIGINT), 2, "the first SIGINT was taken")
    time.sleep(0.02)
    if held.process.poll() is not None:
        raise Failure(f"ended although its records are not read\n{held.saved()}")
    status = held.stop(within=1)
    if status != 130:
        raise Failure(f"exit status {status}, expected 130\n{held.saved()}")


def signal_taken(each: Watch, number: signal.Signals) -> bool:
    """Whether the signal is no longer pending for the process or a thread of it."""
    bit = 1 << (number - 1)
    return all(
        int(line.split()[1], 16) & bit == 0
        for status in statuses(each)
        for line in status.splitlines()
        if line.startswith(("SigPnd:", "ShdPnd:"))
    )


def statuses(each: Watch) -> list[str]:
    """/proc/PID/status of every thread."""
    return [path.read_text() for path in Path(f"/proc/{each.process.pid}/task").glob("*/status")]


@scene
def summary_so_far(lab: Lab) -> None:
    """SIGUSR1 prints the summary so far and ends nothing."""
    pair = Pair(lab)
    [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    for number in (1, 2):
        succeed(pair, each)
        each.send(signal.SIGUSR1)
        each.until(lambda n=number: each.err.text.count("=" * 36) >= n, 5, "no summary so far")
        rows = each.summaries()[-1]["RX"]
        if rows["Success"] != 2 * number:
            raise Failure(f"{rows}, expected {2 * number} successes\n{each.saved()}")
    stop_all(each)
    if len(each.summaries()) != 3:
        raise Failure(f"not three summaries\n{each.saved()}")


@scene
def user(lab: Lab) -> None:
    """-u nobody: no thread has any right or group of root's left, and capture goes on."""
    pair = Pair(lab)
    nobody = pwd.getpwnam("nobody")
    watches = watch_all(
        lab,
        [
            (pair.server, ["-i", "eth0", "-u", "nobody"], RX),
            (pair.server, ["-i", "any", f"--user={nobody.pw_uid}"], RX),
        ],
    )
    succeed(pair, *watches)
    for each in watches:
        for status in statuses(each):
            # Interfaces that appear later need a link to the programs, where hooks are used.
            kept = {0} if each is watches[0] else {0, CAP_BPF_AND_NET_ADMIN}
            if kernel_is_older_than(5, 19):
                kept.add(CAP_BPF)  # for the filter's table
            check_given_up(status, nobody.pw_uid, nobody.pw_gid, kept)
    # Addresses are followed without rights, too.
    pair.server.ip("link set eth0 down")
    until(lambda: link(pair.server, "eth0")["operstate"] == "DOWN", 5, "eth0 is down")
    pair.server.ip("link set eth0 up")
    until(lambda: link(pair.server, "eth0")["operstate"] == "UP", 5, "eth0 is up")
    hear_news()
    succeed(pair, *watches)
    stop_all(*watches)


def check_given_up(status: str, uid: int, gid: int, kept: set[int]) -> None:
    """`kept`: the sets of capabilities that may be left."""
    fields = dict(line.split(":", 1) for line in status.splitlines())
    wanted = {
        "Uid": [[uid] * 4],
        "Gid": [[gid] * 4],
        "CapInh": [[0]],
        "CapPrm": [[one] for one in kept],
        "CapEff": [[one] for one in kept],
        "CapAmb": [[0]],
    }
    for key, values in wanted.items():
        base = 16 if key.startswith("Cap") else 10
        if [int(word, base) for word in fields[key].split()] not in values:
            raise Failure(f"{key} is {fields[key].strip()}, expected one of {values}\n{status}")
    if not {int(word) for word in fields["Groups"].split()} <= {gid}:
        raise Failure(f"groups of root's are left: {fields['Groups']}\n{status}")


def refuse(lab: Lab, host: Host, options: list[str], status: int, *words: str, **settings_) -> None:
    """The program must end by itself with one line on standard error that holds the words."""
    each = watch(lab, host, options, **settings_)
    ended = each.end()
    lines = each.err.text.splitlines()
    good = len(lines) == 1 and lines[0].startswith("tcpeek: ") and not each.out.text
    if ended != status or not good or any(word not in lines[0] for word in words):
        raise Failure(f"expected exit {status} and one line `tcpeek: ` with {words}; "
                      f"exit {ended}\n{each.saved()}")


@scene
def no_such_interface(lab: Lab) -> None:
    """-i nosuch: exit 1 and a line that names the interfaces there are."""
    pair = Pair(lab)
    refuse(lab, pair.server, ["-i", "nosuch"], 1, "nosuch", "eth0", "lo")
    refuse(lab, pair.server, ["-i", "eth0", "-i", "nosuch"], 1, "nosuch", "eth0", "lo")


@scene
def no_interface(lab: Lab) -> None:
    """Without -i where only the loopback is up: exit 1 and a line that says so."""
    refuse(lab, lab.host("alone"), [], 1, "lo")


@scene
def no_permission(lab: Lab) -> None:
    """An ordinary user: exit 1 and a line that names sudo and setcap."""
    pair = Pair(lab)
    # Where the program is, that user may have no way to; a copy is where all may read.
    copy = Path(f"/tmp/{lab.prefix}-tcpeek")
    copy.write_bytes(Path(settings.PROGRAM).read_bytes())
    lab.at_end(copy.unlink)
    copy.chmod(0o755)
    as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    for options in (["-i", "eth0"], ["-i", "any"], []):
        refuse(lab, pair.server, options, 1, "sudo", "setcap", wrap=as_nobody, program=str(copy))


@scene
def reader_goes_away(lab: Lab) -> None:
    """Standard output closed by its reader (`| head -n 1`): a quiet end with exit 0."""
    pair = Pair(lab)
    each = watch(lab, pair.server, ["-i", "eth0"], unread=True, **RX).until_listening()
    [other] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    succeed(pair, other)
    first = json.loads(each.out.line())
    if first["sport"] != other.records()[0]["sport"]:
        raise Failure(f"the first line is another one: {first}")
    each.out.abandon()
    succeed(pair, other)
    stop_all(other)
    status = each.end()
    if status != 0 or re.search(r"^tcpeek: ", each.err.text, re.MULTILINE):
        raise Failure(f"expected a quiet end and exit 0, exit {status}\n{each.saved()}")
    if len(each.summaries()) != 1:
        raise Failure(f"expected one summary\n{each.saved()}")


@scene
def down_at_start(lab: Lab) -> None:
    """An interface that is down at the start: exit 1 and a line that names it."""
    pair = Pair(lab)
    pair.server.ip("link set eth0 down")
    refuse(lab, pair.server, ["-i", "eth0"], 1, "eth0", "down")


@scene
def nothing_left_behind(lab: Lab) -> None:
    """An end by SIGINT leaves no process and no packet socket behind."""
    pair = Pair(lab)
    watches = watch_all(lab, [(pair.server, ["-i", "eth0", "-i", "lo"], RX)])
    succeed(pair, *watches)
    stop_all(*watches)
    with pair.server.inside():
        rows = Path("/proc/thread-self/net/packet").read_text().splitlines()[1:]
    if rows or os.path.exists(f"/proc/{watches[0].process.pid}"):
        raise Failure(f"left behind: {rows}")
