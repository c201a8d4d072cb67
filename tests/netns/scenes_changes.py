"""Scenes of what changes around a running tcpeek: names, addresses, namespaces, a full disk, no log."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from lab import FAMILIES, Failure, Family, Host, Lab, run
from places import ANY, Pair, hear_news, until, watch, watch_all
from registry import scene
from traffic import SYN, Flow, Listener, Segment, connect, inject
from watch import Watch

RX = {"filters": ("RX",), "interface": "eth0"}


def succeed(pair: Pair, *watches: Watch, **fields: object) -> None:
    """A success of each family, expected by the watchers; returns when they have told it."""
    for family in FAMILIES:
        flow = pair.connect(family, wait=5).must_be_open().flow
        for each in watches:
            each.expect(flow, "success", "established", "ShA", **fields)
    for each in watches:
        each.until_expected()


def stop_all(*watches: Watch, status: int = 0) -> None:
    for each in watches:
        each.stop()
        each.check(status)


@scene
def renamed(lab: Lab) -> None:
    """An interface is renamed: what is watched is the interface, and counting goes on."""
    pair = Pair(lab)
    watches = watch_all(lab, [(pair.server, ["-i", name], RX) for name in ("eth0", "any")])
    succeed(pair, *watches)
    pair.server.ip("link set eth0 down", "link set eth0 name wan0", "link set wan0 up")
    watches[0].until_said("is up again")
    hear_news()
    succeed(pair, *watches, interface="wan0")
    stop_all(*watches)


@scene
def made_again(lab: Lab) -> None:
    """-i any sees an interface that was deleted and made again under the same name."""
    pair = Pair(lab)
    lab.link(pair.client, "eth9", pair.server, "eth9")
    [each] = watch_all(lab, [(pair.server, ["-i", "any"], {"filters": ("RX",), "interface": "eth9"})])
    for life in (1, 2):
        pair.client.add_address("eth9", "10.0.9.1", 24)
        pair.server.add_address("eth9", "10.0.9.2", 24)
        hear_news()
        listener = Listener(pair.server, "10.0.9.2", 80, 16)
        connection = connect(pair.client, "10.0.9.2", 80, source="10.0.9.1", wait=5)
        lab.at_end(connection.must_be_open().close)
        each.expect(connection.flow, "success", "established", "ShA")
        each.until_expected()
        if life == 1:
            pair.server.ip("link del eth9")
            listener.close()
            lab.link(pair.client, "eth9", pair.server, "eth9")
    stop_all(each)


@scene
def moved_away(lab: Lab) -> None:
    """An interface that another namespace takes has vanished; with --wait it is watched when it is back."""
    pair = Pair(lab)
    elsewhere = lab.host("elsewhere")
    [each] = watch_all(lab, [(pair.server, ["-i", "eth0", "--wait"], RX)])
    succeed(pair, each)
    run(["ip", "-n", pair.server.namespace, "link", "set", "eth0", "netns", elsewhere.namespace])
    each.until_said("waiting for interface eth0")
    run(["ip", "-n", elsewhere.namespace, "link", "set", "eth0", "netns", pair.server.namespace])
    pair.server.ip("link set eth0 up")
    for address in pair.server.addresses.values():
        pair.server.add_address("eth0", address, 24 if "." in address else 64)
    each.until_said("eth0 is there")
    hear_news()
    succeed(pair, each)
    stop_all(each)


@scene
def addresses(lab: Lab) -> None:
    """Addresses come and go: the direction follows, and what is no longer local is nobody's."""
    pair = Pair(lab)
    new = {Family.V4: "10.0.1.77", Family.V6: "fd00:1::77"}
    watches = watch_all(
        lab,
        [
            (pair.server, ["-i", "eth0"], RX),
            (pair.client, ["-i", "eth0"], {"filters": ("TX",), "interface": "eth0"}),
            (pair.server, ["-i", "eth0", ANY], {"filters": ("ALL",), "interface": "eth0"}),
        ],
    )
    on_server, on_client, on_all = watches
    listeners = []
    for family, address in new.items():
        # Somebody else's address before: the server's host sees the SYN and has no part in it.
        mac = run(["ip", "netns", "exec", pair.server.namespace, "cat", "/sys/class/net/eth0/address"]).strip()
        pair.client.ip(f"neighbour replace {address} lladdr {mac} dev eth0")
        stranger = connect(pair.client, address, 80, wait=0.5).must_hang().flow
        on_client.expect(stranger, "timeout", "no_reply", "S")
        on_all.expect(stranger, "timeout", "no_reply", "S")
        pair.server.add_address("eth0", address, 24 if family is Family.V4 else 64)
        listeners.append(Listener(pair.server, address, 80, 16))
        hear_news()
        known = connect(pair.client, address, 80, wait=5).must_be_open()
        lab.at_end(known.close)
        on_server.expect(known.flow, "success", "established", "ShA")
        on_client.expect(known.flow, "success", "established", "ShA")
        on_all.expect(known.flow, "success", "established", "ShA", filters=("RX", "ALL"))
        outward = connect(pair.server, pair.client.addresses[family], 81, source=address, wait=2)
        outward.must_fail(111)
        on_server.expect(outward.flow, "reject", "refused", "Sr", filters=("TX",))
        on_client.expect(outward.flow, "reject", "refused", "Sr", filters=("RX",))
        on_all.expect(outward.flow, "reject", "refused", "Sr", filters=("TX", "ALL"))
        for each in watches:
            each.until_expected()
        pair.server.ip(f"address del {address}/{24 if family is Family.V4 else 64} dev eth0")
        hear_news()
        inject(pair.client, Segment(Flow(pair.client.addresses[family], 4001, address, 82), SYN, 7))
        gone = Flow(pair.client.addresses[family], 4001, address, 82)
        on_client.expect(gone, "timeout", "no_reply", "S")
        on_all.expect(gone, "timeout", "no_reply", "S")
    for each in watches:
        each.until_expected()
    stop_all(*watches)


@scene
def namespace_deleted(lab: Lab) -> None:
    """The name of tcpeek's network namespace is deleted: the namespace lives on with it, and it goes on."""
    pair = Pair(lab)
    [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    succeed(pair, each)
    run(["ip", "netns", "del", pair.server.namespace])
    succeed(pair, each)
    # The other end goes for good, and the interface with it.
    pair.client.ip("link del eth0")
    if each.end() != 1 or "vanished" not in each.err.text:
        raise Failure(f"expected exit 1 and that eth0 has vanished\n{each.saved()}")
    each.check(status=1)


@scene
def paused(lab: Lab) -> None:
    """tcpeek stands still for longer than -t: what happened meanwhile is judged by the packets' times."""
    pair = Pair(lab)
    pair.server.rule("input", "tcp dport 83 drop")
    [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    before = pair.connect(Family.V4, 83, wait=0.1).must_hang().flow
    each.send(signal.SIGSTOP)
    succeed_unseen = [pair.connect(family, wait=5).must_be_open().flow for family in FAMILIES]
    time.sleep(each.timeout + 0.5)
    late = pair.connect(Family.V6, wait=5).must_be_open().flow
    each.send(signal.SIGCONT)
    for flow in (*succeed_unseen, late):
        each.expect(flow, "success", "established", "ShA")
    each.expect(before, "timeout", "no_reply", "S")
    each.until_expected()
    stop_all(each)


def in_small_folder(lab: Lab, host: Host, *options: str) -> tuple[Watch, Path]:
    """tcpeek whose standard output is a file in a file system of 8 KB."""
    folder = Path(f"/tmp/{lab.prefix}-small")
    folder.mkdir()
    lab.at_end(folder.rmdir)
    run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(folder)])
    lab.at_end(run, ["umount", str(folder)])
    file = folder / "records"
    wrap = ["sh", "-c", f'exec "$@" >{file}', "sh"]
    return watch(lab, host, list(options), wrap=wrap, **RX).until_listening(), file


@scene
def disk_full(lab: Lab) -> None:
    """JSON lines on a full disk: told once, counting goes on, whole lines again when there is room."""
    pair = Pair(lab)
    each, file = in_small_folder(lab, pair.server, "-i", "eth0")
    [other] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])

    def connects(number: int) -> None:
        for _ in range(number):
            flow = pair.connect(Family.V4, wait=5).must_be_open().flow
            other.expect(flow, "success", "established", "ShA")
        other.until_expected()

    connects(40)
    each.until_said("No space left on device")
    connects(10)
    kept = file.read_bytes()
    with file.open("r+b") as emptied:  # as a rotation with copytruncate does
        emptied.truncate(0)
    connects(3)
    each.until_said("takes records again")
    stop_all(other)
    if each.stop() != 0:
        raise Failure(f"exit {each.process.returncode}\n{each.saved()}")
    lines = kept.decode() + file.read_bytes().lstrip(b"\0").decode()
    records = [json.loads(line) for line in lines.splitlines()]
    summary = each.summaries()[-1]
    lost = summary["capture"].get("Records not displayed", 0)
    # Of the ten some may only come when there is room again.
    if summary["RX"]["Success"] != 53 or len(records) + lost != 53 or not 1 <= lost <= 40 \
            or each.err.text.count("No space left") != 1:
        raise Failure(f"{len(records)} records and {lost} lost of 53\n{each.saved()}")


@scene
def no_syslog(lab: Lab) -> None:
    """A host without a log: everything else is as ever, with messages of every level."""
    pair = Pair(lab)
    script = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && exec "$@"'
    wrap = ["sh", "-c", script, "sh"]
    watches = [watch(lab, pair.server, ["-i", "eth0", "-l", level], wrap=wrap, **RX).until_listening()
               for level in ("debug", "emerg")]
    succeed(pair, *watches)
    pair.server.ip("link set eth0 down")
    for each in watches:
        each.until_said("eth0 went down")
    pair.server.ip("link set eth0 up")
    for each in watches:
        each.until_said("eth0 is up")
    hear_news()
    succeed(pair, *watches)
    stop_all(*watches)
