#!/usr/bin/env python3
"""A real Prometheus scrapes a real tcpeek, in a network namespace with nothing but loopback, while
real sockets connect, are refused or get no answer. Prometheus must then know exactly what was done,
find the rules and queries of packaging/ good, and promtool must find nothing.
Usage: prometheus_test.py --tcpeek PATH"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import sys
import time
import urllib.parse
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import check_queries
import exposition
from exposition import Exposition, Labels, labels
from kit import (Failure, Ports, Program, Traffic, checked, enter_own_network, fetch, need_built,
                 need_programs, run_test, scratch, wait_for)

HTTP_PORT = 9750
PROMETHEUS_PORT = 9090
METRICS_URL = f"http://127.0.0.1:{HTTP_PORT}/metrics"
INSTANCE = f"127.0.0.1:{HTTP_PORT}"
PACKAGING = check_queries.ROOT / "packaging/prometheus"

PORTS = Ports()
# All that the test does, and only that: what Prometheus and the test fetch is excluded.
ALL_PORTS = "DB"
# A name with everything that must be escaped in a label.
ODD = 'we"b\\ü'
EXPRESSIONS = [
    f"{ALL_PORTS}:RX@*:{PORTS.accepting}:{PORTS.closed}:{PORTS.silent}",
    f"{ODD}:TX@*:{PORTS.accepting}",
    f":ANY@*:{HTTP_PORT}:{PROMETHEUS_PORT}",
]
SUCCESSES, RESET_EARLY, REFUSED, UNANSWERED = 6, 2, 4, 3
TIMEOUT_SECONDS = 2

CONFIG = f"""\
global:
  scrape_interval: 500ms
  evaluation_interval: 500ms
rule_files:
  - {PACKAGING}/tcpeek-alerts.yml
scrape_configs:
  - job_name: tcpeek
    static_configs:
      - targets: ['{INSTANCE}']
"""


def expected() -> dict[str, dict[Labels, float]]:
    """Every sample of these metrics that is not 0."""
    everything = ("RX", "TX", ALL_PORTS)
    opened = SUCCESSES + RESET_EARLY
    sessions = {labels(filter=name, result="success", cause="established"): opened
                for name in (*everything, ODD)}
    sessions |= {labels(filter=name, result="reject", cause="refused"): REFUSED
                 for name in everything}
    sessions |= {labels(filter=name, result="timeout", cause="no_reply"): UNANSWERED
                 for name in everything}
    # Each of the unanswered SYNs is repeated once.
    repeated = {labels(filter=name, segment="syn"): UNANSWERED for name in everything}
    durations = {labels(filter=name, part=part): opened for name in (*everything, ODD)
                 for part in ("total", "synack", "ack")}
    return {
        "tcpeek_sessions_total": sessions,
        "tcpeek_retransmitting_sessions_total": repeated,
        "tcpeek_retransmitted_segments_total": repeated,
        "tcpeek_handshake_duration_seconds_count": durations,
        "tcpeek_reset_early_sessions_total": {
            labels(filter=name, by="client"): RESET_EARLY for name in (*everything, ODD)},
        "tcpeek_recovered_sessions_total": {},
        "tcpeek_unaccepted_sessions_total": {},
        "tcpeek_doubtful_timeouts_total": {},
        "tcpeek_filter_evicted_total": {},
        "tcpeek_sessions_evicted_total": {},
        "tcpeek_capture_dropped_total": {},
        "tcpeek_sessions_pending": {},
    }


def ask(path: str, **parameters: str) -> Any:
    """What Prometheus' HTTP API answers."""
    query = urllib.parse.urlencode(parameters)
    answer = json.loads(fetch(f"http://127.0.0.1:{PROMETHEUS_PORT}/api/v1/{path}?{query}"))
    if answer["status"] != "success":
        raise Failure(f"{path} {parameters}: {answer}")
    return answer["data"]


def samples_in_prometheus(metric: str) -> dict[Labels, float]:
    """All samples of a metric, without what Prometheus adds to their labels."""
    found = {}
    for sample in ask("query", query=metric)["result"]:
        own = {name: value for name, value in sample["metric"].items()
               if name not in ("__name__", *check_queries.TARGET_LABELS)}
        found[labels(**own)] = float(sample["value"][1])
    return found


def differences(wanted: dict[str, dict[Labels, float]]) -> list[str]:
    problems = []
    for metric, samples in wanted.items():
        got = samples_in_prometheus(metric)
        if not got:
            problems.append(f"{metric}: no sample at all, not even 0")
        for series in sorted(got.keys() | samples.keys()):
            if got.get(series) != samples.get(series, 0):
                problems.append(f"{metric}{dict(series)} is {got.get(series)} in Prometheus, must "
                                f"be {samples.get(series, 0)}")
    return problems


def make_traffic(traffic: Traffic) -> None:
    traffic.succeed(SUCCESSES)
    traffic.reset_early(RESET_EARLY)
    traffic.be_refused(REFUSED)
    with traffic.unanswered(UNANSWERED):
        # The SYNs are repeated after 1 s, and a failure is seen long before it times out.
        time.sleep(1.5)
        waiting = exposition.parse(fetch(METRICS_URL)).samples["tcpeek_sessions_pending"]
        if waiting.get(labels(stage="syn_sent", retried="1")) != UNANSWERED:
            raise Failure(f"{UNANSWERED} attempts have repeated their SYN, but pending are: "
                          f"{waiting}")


def compare_counts() -> None:
    wanted = expected()
    sessions = "tcpeek_sessions_total"
    # What differs is told below.
    with contextlib.suppress(Failure):
        wait_for("the sessions in Prometheus", 20,
                 lambda: not differences({sessions: wanted[sessions]}))
    # All metrics of one scrape, which is younger than the last verdict.
    time.sleep(1)
    if problems := differences(wanted):
        raise Failure("\n      ".join(problems))
    print(f"{len(wanted)} metrics in Prometheus are exactly what was done")


def check_lint(text: str) -> None:
    # It prints to standard error what it finds, mostly without an exit status of its own.
    found = checked(["sh", "-c", "promtool check metrics 2>&1"], text)
    if found.strip():
        raise Failure(f"promtool check metrics: {found}")


def check_packaged_files() -> None:
    checked(["promtool", "check", "rules", str(PACKAGING / "tcpeek-alerts.yml")])
    checked(["promtool", "check", "config", str(PACKAGING / "prometheus.yml")])
    checked(["promtool", "test", "rules", str(PACKAGING / "tcpeek-alerts.test.yml")])
    print("promtool finds the rules, their cases and the example configuration good")


def check_rules_evaluated() -> None:
    def all_evaluated() -> list[dict[str, Any]] | None:
        rules = [rule for group in ask("rules")["groups"] for rule in group["rules"]]
        return rules if rules and all(rule["health"] != "unknown" for rule in rules) else None

    rules = wait_for("Prometheus evaluates the rules", 20, all_evaluated)
    bad = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
    if bad:
        raise Failure("\n      ".join(bad))
    print(f"{len(rules)} alert rules evaluate")


def check_dashboard(live: Exposition) -> None:
    """Every query of the dashboard is understood, and all but those of optional metrics and those
    that compare have a result."""
    queries = check_queries.Dashboard(check_queries.DASHBOARD.read_text()).queries()
    values = {"__rate_interval": "10s", "__interval": "10s", "__range": "1m"}
    empty = []
    for query in queries:
        expression = re.sub(r"\$(\w+)", lambda match: values.get(match[1], ".+"), query.expression)
        result = ask("query", query=expression)["result"]
        optional = any(name in expression and name not in live.samples
                       for name in check_queries.OPTIONAL)
        if not result and not optional and ">" not in expression:
            empty.append(f"{query.where} has no result: {expression}")
    if empty:
        raise Failure("\n      ".join(empty))
    print(f"{len(queries)} queries of the dashboard are answered")


def check_down_is_noticed() -> None:
    def noticed() -> bool:
        return any(alert["labels"]["alertname"] == "TcpeekDown" and
                   alert["labels"]["instance"] == INSTANCE for alert in ask("alerts")["alerts"])

    wait_for("TcpeekDown is pending after the end of tcpeek", 10, noticed)
    print("TcpeekDown notices the end of tcpeek")


def start_prometheus(folder: Path) -> Program:
    config = folder / "prometheus.yml"
    config.write_text(CONFIG)
    checked(["promtool", "check", "config", str(config)])
    return Program(
        ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
         f"--web.listen-address=127.0.0.1:{PROMETHEUS_PORT}", "--log.level=warn"],
        folder / "prometheus.log")


def start_tcpeek(tcpeek: Path, folder: Path) -> Program:
    return Program(
        [str(tcpeek), "-i", "lo", "-q", "-U", "none", "-t", str(TIMEOUT_SECONDS),
         f"--http=127.0.0.1:{HTTP_PORT}", *EXPRESSIONS], folder / "tcpeek.log")


def play(tcpeek: Path) -> None:
    need_built(tcpeek)
    need_programs("prometheus", "promtool")
    check_packaged_files()
    enter_own_network()
    with (scratch() as folder, Traffic(PORTS) as traffic,
          start_tcpeek(tcpeek, folder) as program, start_prometheus(folder) as prometheus):
        program.wait_ready(lambda: fetch(METRICS_URL))
        check_lint(fetch(METRICS_URL))
        prometheus.wait_ready(lambda: samples_in_prometheus("tcpeek_sessions_total"), 60)
        make_traffic(traffic)
        compare_counts()
        check_rules_evaluated()
        text = fetch(METRICS_URL)
        check_lint(text)
        live = exposition.parse(text)
        check_queries.check_files(live)
        check_dashboard(live)
        if status := program.end():
            raise Failure(f"tcpeek ended with {status}")
        check_down_is_noticed()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--tcpeekstat", type=Path, help="not needed; other tests here take it")
    options = parser.parse_args()
    return run_test(lambda: play(options.tcpeek.resolve()))


if __name__ == "__main__":
    sys.exit(main())
