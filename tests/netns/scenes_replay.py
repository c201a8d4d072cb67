"""Scenes that compare what is told live with what is told of a file of the same traffic."""

from __future__ import annotations

import json
import signal
import struct
import subprocess
from itertools import zip_longest
from pathlib import Path

import settings
from expect import event_of, instant, session_of
from lab import FAMILIES, Failure, Host, Lab
from places import ANY, MARKER_PORT, Chain, until, watch_all
from registry import scene
from traffic import RST, SYN, Flow, Segment, inject, reset
from watch import Watch

PURE_SYN = "tcp flags & (syn | ack) == syn"
# The server's and one of the client's, so that RX and TX both have something to say.
LOCAL = "--local=10.0.2.0/24,fd00:2::/64"


class Recording:
    """tcpdump on an interface of a host, to a file."""

    def __init__(self, lab: Lab, host: Host, interface: str) -> None:
        self.path = Path(f"/tmp/{host.namespace}-{interface}.pcap")
        lab.at_end(self.path.unlink, True)
        # As root (-Z), or it could not write where the file is to be.
        self._process = subprocess.Popen(
            host.exec("tcpdump", "-i", interface, "-w", str(self.path), "-U", "-Z", "root",
                      "-s", "512", "-B", "4096", "--immediate-mode",
                      "--time-stamp-precision=nano"),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )
        lab.at_end(self._process.wait)
        lab.at_end(self._process.kill)
        assert self._process.stderr is not None
        if not any("listening on" in line for line in self._process.stderr):
            raise Failure("tcpdump does not listen")

    def stop_after(self, last: Flow) -> None:
        """Ends the file once the client's SYN and ACK of this flow are in it."""
        ports = struct.pack("!HH", last.sport, last.dport)
        until(lambda: self.path.read_bytes().count(ports) >= 2, 5, f"{last} is in the file")
        self._process.send_signal(signal.SIGINT)
        _, told = self._process.communicate(timeout=10)
        if "\n0 packets dropped by kernel" not in told:
            raise Failure(f"tcpdump lost packets, the machine is too slow: {told}")


def mixed_traffic(chain: Chain) -> None:
    """Successes, refusals, silence, ICMP errors, a lost SYN, early resets, odd segments."""
    chain.server.rule("input", f"tcp dport 82 {PURE_SYN} drop")
    chain.server.rule("input", f"tcp dport 83 {PURE_SYN} reject")
    patient = []
    for family in FAMILIES:
        chain.server.rule(
            "input", f"{family.nft} tcp dport 80 {PURE_SYN} numgen inc mod 99 < 1 drop"
        )
        patient.append(chain.connect(family, wait=0))
        chain.connect(family, 81)
        chain.connect(family, 82, wait=0.1).must_hang()
        chain.connect(family, 83, wait=0.1).close()
        chain.connect(family, 80).must_be_open()
        reset(chain.listeners[family].accept())
        flow = Flow(chain.client.addresses[family], 4001, chain.server.addresses[family], 80)
        inject(chain.client, Segment(flow, RST, 1))
        inject(chain.client, Segment(flow, SYN, 0xFFFFFFFF))
    for connection in patient:
        connection.wait(3).must_be_open()
    for _ in range(10):
        for family in FAMILIES:
            chain.connect(family, 80).must_be_open()


def read_file(path: Path, options: list[str], timeout: int) -> list[dict]:
    """The records of `tcpeek -r`."""
    done = subprocess.run(
        [settings.PROGRAM, "-o", "json", "-t", str(timeout), *options, "-r", str(path)],
        capture_output=True, text=True, timeout=20 * settings.SLOW,
    )
    if done.returncode != 0:
        raise Failure(f"tcpeek -r: exit {done.returncode}\n{done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


# tcpdump's socket and tcpeek's take the time of a packet each for itself, one after the other.
TOLERANCE_NS = 2_000_000


def split(record: dict) -> tuple[dict, dict[str, int]]:
    """A record without interface and times, and its times."""
    rest = {key: value for key, value in record.items() if key != "interface"}
    times = {key: instant(rest.pop(key)) for key in ("start", "time") if key in rest}
    times |= {key: rest.pop(key) for key in list(rest) if key.endswith("_ns")}
    return rest, times


def same(live: dict, read: dict) -> bool:
    (one, one_times), (other, other_times) = split(live), split(read)
    return one == other and one_times.keys() == other_times.keys() and all(
        abs(one_times[key] - other_times[key]) <= TOLERANCE_NS for key in one_times
    )


def compare(live: Watch, path: Path, options: list[str]) -> None:
    """Both must tell the same, in the same order."""
    told, read = live.records(), read_file(path, options, live.timeout)
    for number, (one, other) in enumerate(zip_longest(told, read)):
        if one is None or other is None or not same(one, other):
            raise Failure(
                f"{live.label}: record {number} differs\n live: {one}\n file: {other}\n"
                f"{live.saved()}"
            )


def play(lab: Lab, chain: Chain, interfaces: dict[str, str]) -> None:
    """Mixed traffic, recorded and watched on one interface of each named host, and compared."""
    options = ["--icmp", LOCAL, ANY]
    hosts = {host.label: host for host in (chain.client, chain.router, chain.server)}
    recordings = {
        name: Recording(lab, hosts[name], interface) for name, interface in interfaces.items()
    }
    plans = [
        (hosts[name], ["-i", interface, *options], {"label": name})
        for name, interface in interfaces.items()
    ]
    watches = dict(zip(interfaces, watch_all(lab, plans), strict=True))
    mixed_traffic(chain)
    # The last timeouts must fall, and the file must last longer than they do.
    for name, each in watches.items():
        until(lambda e=each: timeouts(e) >= 2, 12, f"{name}: both timeouts are told")
    marker = chain.connect(FAMILIES[0], MARKER_PORT).must_be_open().flow
    for name, each in watches.items():
        until(lambda e=each: any(r["sport"] == marker.sport for r in e.records()), 5,
              f"{name}: the last connect is told")
        each.stop()
        recordings[name].stop_after(marker)
        local = own_addresses(hosts[name])
        compare(each, recordings[name].path, ["--icmp", f"{LOCAL},{local}", ANY])
        counts_are_right(each)


@scene
def same_records(lab: Lab) -> None:
    """Mixed traffic, live and from tcpdump's file: the same records in the same order."""
    play(lab, Chain(lab), {"client": "eth0", "router": "eth0", "server": "eth0"})


@scene
def same_records_of_any(lab: Lab) -> None:
    """The same on every interface at once, where a router sees each packet twice."""
    play(lab, Chain(lab), {"client": "any", "router": "any", "server": "any"})


def own_addresses(host: Host) -> str:
    """The host's own addresses count live without being named."""
    named = list(host.addresses.values())
    if host.label == "router":
        named += ["10.0.2.1", "fd00:2::1"]
    return ",".join(named)


def timeouts(each: Watch) -> int:
    return sum(record.get("result") == "timeout" for record in each.records())


def counts_are_right(each: Watch) -> None:
    """The traffic was what it was meant to be: comparing two empty lists would prove nothing."""
    records = each.records()
    told = [str(event_of(r).kind) if "event" in r else session_of(r).result for r in records]
    counts = {name: told.count(name) for name in sorted(set(told))}
    wanted = {"abort": 2, "reject": 2, "reset_early": 2, "success": 25, "timeout": 2, "unreach": 2}
    if counts != wanted:
        raise Failure(f"{counts}, expected {wanted}\n{each.saved()}")
