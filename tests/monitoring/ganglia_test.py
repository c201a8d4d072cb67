#!/usr/bin/env python3
"""A real tcpeek, tcpeekstat -g, and real Ganglia (gmetric, gmond, gmetad, rrdtool), in a network
namespace with nothing but loopback: what real sockets did must be in the round-robin databases, as
the difference that each call of tcpeekstat -g sends.
Usage: ganglia_test.py --tcpeek PATH --tcpeekstat PATH"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kit import (Failure, Ports, Program, Traffic, checked, enter_own_network, need_built,
                 need_programs, run_test, scratch, wait_for)

GMOND_PORT = 8649
CLUSTER = "tcpeek-test"
PORTS = Ports()
# Filters as typed, and as they are called in Ganglia: bytes that are not allowed there become `_`.
EXPRESSIONS = {
    "DB": f"DB:RX@*:{PORTS.accepting}:{PORTS.closed}:{PORTS.silent}",
    'odd "ü"/x': f'odd "ü"/x:TX@*:{PORTS.accepting}:{PORTS.closed}',
}
GANGLIA_NAMES = {"RX": "RX", "TX": "TX", "DB": "DB", 'odd "ü"/x': "odd______x"}
EXCLUDED = f":ANY@*:{GMOND_PORT}"
ITEMS = {"success": ("dupsyn", "dupsynack"),
         "failure": ("timeout", "reject", "unreach", "abort")}
TIMEOUT_SECONDS = 1
# For how long a value must be seen; gmetad asks each second.
SECONDS_A_VALUE = 4

GMOND = f"""\
globals {{
  daemonize = no
  setuid = no
  mute = no
  deaf = no
  send_metadata_interval = 0
}}
cluster {{ name = "{CLUSTER}" }}
udp_send_channel {{ host = 127.0.0.1 port = {GMOND_PORT} }}
udp_recv_channel {{ bind = 127.0.0.1 port = {GMOND_PORT} }}
tcp_accept_channel {{ bind = 127.0.0.1 port = {GMOND_PORT} }}
modules {{ module {{ name = "core_metrics" }} }}
collection_group {{
  collect_once = yes
  time_threshold = 5
  metric {{ name = "heartbeat" }}
}}
"""

GMETAD = """\
data_source "{cluster}" 1 127.0.0.1:{port}
RRAs "RRA:AVERAGE:0.5:1:600"
rrd_rootdir "{folder}"
setuid off
all_trusted on
xml_port 8651
interactive_port 8652
"""


@dataclass
class Round:
    """What happens before one call of tcpeekstat -g, and the values of filter DB that it sends."""

    refused: int
    unanswered: int
    values: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.values = {"failure_reject": self.refused, "failure_timeout": self.unanswered}


# Each differs from the one before; the last one sends nothing but 0.
ROUNDS = (Round(refused=7, unanswered=3), Round(refused=2, unanswered=0), Round(0, 0))


@dataclass(frozen=True)
class Ganglia:
    folder: Path

    @property
    def gmond_config(self) -> Path:
        return self.folder / "gmond.conf"

    def gmond(self) -> Program:
        self.gmond_config.write_text(GMOND)
        return Program(["gmond", "-f", "-c", str(self.gmond_config)], self.folder / "gmond.log")

    def gmetad(self) -> Program:
        config = self.folder / "gmetad.conf"
        config.write_text(GMETAD.format(cluster=CLUSTER, port=GMOND_PORT, folder=self.databases))
        self.databases.mkdir()
        # With a debug level it stays in the foreground.
        return Program(["gmetad", "-d", "1", "-c", str(config)], self.folder / "gmetad.log")

    @property
    def databases(self) -> Path:
        return self.folder / "rrds"

    def database(self, metric: str) -> Path | None:
        found = [path for path in self.databases_of_host() if path.stem == metric]
        return found[0] if found else None

    def databases_of_host(self) -> list[Path]:
        """Of the only host, which gmond calls what its address resolves to. Beside it are sums of
        the cluster."""
        return [path for path in self.databases.glob(f"{CLUSTER}/*/*.rrd")
                if not path.parent.name.startswith("__")]

    def fetch(self, metric: str, since: int) -> list[tuple[int, float]]:
        """The seconds since then that have a value."""
        path = self.database(metric)
        if path is None:
            return []
        try:
            text = checked(["rrdtool", "fetch", str(path), "AVERAGE", "-r", "1", "-s",
                            str(since - 1), "-e", str(max(since, int(time.time())))])
        except Failure as failure:
            if "could not lock RRD" in str(failure):
                return []  # gmetad writes it at this moment; the caller asks again
            raise
        rows = re.findall(r"^(\d+): (\S+)$", text, re.MULTILINE)
        return [(int(second), float(value)) for second, value in rows
                if int(second) >= since and not math.isnan(float(value))]


def metric_names() -> list[str]:
    return [f"tcpeek_{name}_{group}_{item}" for name in GANGLIA_NAMES.values()
            for group, items in ITEMS.items() for item in items]


def ask(tcpeekstat: Path, socket: Path) -> list[dict[str, dict[str, dict[str, int]]]] | None:
    """What GET answers; nothing while tcpeek is not ready."""
    done = subprocess.run([tcpeekstat, "-U", socket, "-j"], capture_output=True, text=True,
                          timeout=10, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else None


def totals(tcpeekstat: Path, socket: Path) -> dict[str, int]:
    answer = ask(tcpeekstat, socket)
    for element in answer or []:
        if "DB" in element:
            return element["DB"]["failure"]
    raise Failure(f"GET has no filter DB: {answer}")


def make_traffic(traffic: Traffic, this: Round, tcpeekstat: Path, socket: Path) -> None:
    before = totals(tcpeekstat, socket)["total"]
    traffic.succeed(2)
    traffic.be_refused(this.refused)
    with traffic.unanswered(this.unanswered):
        time.sleep(0.2)
    wanted = before + this.refused + this.unanswered
    wait_for(f"{wanted} failures in GET", 10,
             lambda: totals(tcpeekstat, socket)["total"] == wanted)


def send(tcpeekstat: Path, socket: Path, ganglia: Ganglia) -> None:
    checked([str(tcpeekstat), "-U", str(socket), "-g", f"--gmetric-config={ganglia.gmond_config}"])


def rows_of_round(ganglia: Ganglia, metric: str, sent: int, before: int | None,
                  wanted: int) -> list[tuple[int, float]]:
    """The seconds since the values were sent, without the first ones, in which gmetad had not yet
    asked and the value from before stands."""
    rows = ganglia.fetch(metric, sent)
    if before != wanted:
        while rows and rows[0][1] == before:
            rows.pop(0)
    return rows


def check_round(ganglia: Ganglia, this: Round, previous: Round | None, sent: int) -> None:
    """Waits until the databases hold the round's values, and nothing else, for some seconds."""
    for item, wanted in this.values.items():
        metric = f"tcpeek_DB_{item}"
        before = previous.values[item] if previous else None

        def enough() -> list[tuple[int, float]] | None:
            rows = rows_of_round(ganglia, metric, sent, before, wanted)
            return rows if len(rows) >= SECONDS_A_VALUE else None

        rows = wait_for(f"{SECONDS_A_VALUE} seconds of {metric} in its database", 20, enough)
        if any(value != wanted for _, value in rows):
            raise Failure(f"{metric} must be {wanted}, rrdtool says {rows}")
    told = ", ".join(f"tcpeek_DB_{item} {value}" for item, value in this.values.items())
    print(f"rrdtool fetch: {told} for {SECONDS_A_VALUE} s or more")


def check_names(ganglia: Ganglia) -> None:
    """Every value has a database under its name, and there are no others of tcpeek."""
    wanted = set(metric_names())

    def names() -> set[str]:
        return {path.stem for path in ganglia.databases_of_host()
                if path.stem.startswith("tcpeek_")}

    # Which are missing is told below.
    with contextlib.suppress(Failure):
        wait_for("all databases", 10, lambda: wanted <= names())
    there = names()
    if there != wanted:
        raise Failure(f"missing: {sorted(wanted - there)}, not expected: {sorted(there - wanted)}")
    print(f"{len(wanted)} databases have the names that they must have")


def check_gmetric_failure(tcpeekstat: Path, socket: Path) -> None:
    """A value that cannot be sent: status 1, and one line that names it."""
    done = subprocess.run([tcpeekstat, "-U", socket, "-g", "--gmetric-command=/bin/false"],
                          capture_output=True, text=True, timeout=30, check=False)
    if done.returncode != 1 or "tcpeek_RX_" not in done.stderr:
        raise Failure(f"with a gmetric that fails, tcpeekstat -g ended with {done.returncode} and "
                      f"said {done.stderr!r}")
    print(f"a gmetric that fails: {done.stderr.strip()}")


def play(tcpeek: Path, tcpeekstat: Path) -> None:
    need_built(tcpeek, tcpeekstat)
    need_programs("gmond", "gmetad", "gmetric", "rrdtool")
    enter_own_network()
    with scratch() as folder:
        ganglia = Ganglia(folder)
        socket = folder / "tcpeek.sock"
        command = [str(tcpeek), "-i", "lo", "-q", "-t", str(TIMEOUT_SECONDS), "-U", str(socket),
                   *EXPRESSIONS.values(), EXCLUDED]
        with (Traffic(PORTS) as traffic, Program(command, folder / "tcpeek.log") as program,
              ganglia.gmond() as gmond, ganglia.gmetad()):
            program.wait_ready(lambda: ask(tcpeekstat, socket))
            gmond.wait_ready(lambda: checked(["gmetric", "-c", str(ganglia.gmond_config), "-n",
                                              "ready", "-v", "1", "-t", "uint32"]) == "")
            for previous, this in zip((None, *ROUNDS), ROUNDS):
                make_traffic(traffic, this, tcpeekstat, socket)
                sent = int(time.time()) + 1
                send(tcpeekstat, socket, ganglia)
                check_round(ganglia, this, previous, sent)
            check_names(ganglia)
            check_gmetric_failure(tcpeekstat, socket)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--tcpeekstat", type=Path, required=True)
    options = parser.parse_args()
    return run_test(lambda: play(options.tcpeek.resolve(), options.tcpeekstat.resolve()))


if __name__ == "__main__":
    sys.exit(main())
