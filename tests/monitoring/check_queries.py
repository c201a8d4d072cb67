#!/usr/bin/env python3
"""Checks that every query of the Grafana dashboard and of the alert rules names only metrics,
labels and label values that a live tcpeek exports, and that every family it exports is shown.
Usage: check_queries.py --metrics FILE|URL, or --tcpeek PATH to start one on loopback. --self-test
plants a fault of each kind and expects to find it."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import exposition
import promql
from exposition import Exposition
from kit import (ROOT, Failure, Ports, Program, Skip, Traffic, enter_own_network, fetch, need_built,
                 run_test, scratch)

DASHBOARD = ROOT / "packaging/grafana/tcpeek.json"
ALERTS = ROOT / "packaging/prometheus/tcpeek-alerts.yml"

# What Prometheus adds to every series, and makes itself.
TARGET_LABELS = {"job", "instance"}
MADE_BY_PROMETHEUS = {"up"}
# Only where the kernel tells; they have no labels.
OPTIONAL = {"tcpeek_kernel_filter_run_seconds_total", "tcpeek_kernel_filter_runs_total"}
# Values that come with their first event, or that this machine decides.
LATE_VALUES = {("result", "unreach")}
# Families that nobody needs to see in the dashboard, with the reason.
EXEMPT: dict[str, str] = {}
# Variables that Grafana itself knows.
GRAFANA_VARIABLES = {"__all", "__rate_interval", "__interval", "__range"}


@dataclass(frozen=True)
class Query:
    where: str
    expression: str
    # Labels that a legend or an annotation shows.
    shown: frozenset[str]


@dataclass
class Dashboard:
    text: str
    tree: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tree = json.loads(self.text)

    def panels(self) -> list[dict[str, Any]]:
        return [inner for panel in self.tree["panels"]
                for inner in (panel, *panel.get("panels", []))]

    def queries(self) -> list[Query]:
        found = []
        for panel in self.panels():
            for target in panel.get("targets", []):
                shown = re.findall(r"{{\s*(\w+)\s*}}", target.get("legendFormat", ""))
                where = f"panel '{panel['title']}' {target['refId']}"
                found.append(Query(where, target["expr"], frozenset(shown)))
        return found

    def variables(self) -> list[dict[str, Any]]:
        variables: list[dict[str, Any]] = self.tree["templating"]["list"]
        return variables


def alert_queries(text: str) -> list[Query]:
    try:
        import yaml
    except ImportError:
        raise Skip("not installed: python3-yaml") from None
    found = []
    for group in yaml.safe_load(text)["groups"]:
        for rule in group["rules"]:
            shown = re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values()))
            found.append(Query(f"alert {rule['alert']}", rule["expr"], frozenset(shown)))
    return found


def known_labels(live: Exposition, metric: str) -> set[str] | None:
    """Nothing if there is no such metric."""
    if metric in MADE_BY_PROMETHEUS or metric in OPTIONAL:
        return TARGET_LABELS
    if metric not in live.samples:
        return None
    return live.label_names(metric) | TARGET_LABELS


def check_value(live: Exposition, metric: str, matcher: promql.Matcher) -> Iterator[str]:
    if "$" in matcher.value or matcher.label in TARGET_LABELS:
        return
    values = live.label_values(metric, matcher.label)
    if matcher.operator in ("=", "!="):
        wanted = [matcher.value]
    elif re.fullmatch(r"\w+(\|\w+)*", matcher.value):
        wanted = matcher.value.split("|")
    else:
        if not any(re.fullmatch(matcher.value, value) for value in values):
            yield f"{metric} has no {matcher.label} that matches {matcher.value!r}"
        return
    for value in wanted:
        if value not in values and (matcher.label, value) not in LATE_VALUES:
            yield f"{metric} has no {matcher.label}={value!r}, but {sorted(values)}"


def check_labels(live: Exposition, metric: str, labels: list[str], why: str) -> Iterator[str]:
    known = known_labels(live, metric)
    if known is not None:
        for label in labels:
            if label not in known:
                yield f"{metric} has no label {label} ({why}), but {sorted(known)}"


def check_query(live: Exposition, query: Query) -> Iterator[str]:
    try:
        names = promql.names(query.expression)
    except ValueError as error:
        yield str(error)
        return
    if not names.selectors:
        yield "names no metric"
    for metric, matchers in names.selectors:
        if known_labels(live, metric) is None:
            yield f"there is no metric {metric}"
            continue
        yield from check_labels(live, metric, [matcher.label for matcher in matchers], "selected")
        for matcher in matchers:
            if matcher.label in live.label_names(metric):
                yield from check_value(live, metric, matcher)
    for label, metrics in names.groupings:
        for metric in metrics:
            yield from check_labels(live, metric, [label], "grouped by")
    for metric in names.metrics():
        yield from check_labels(live, metric, names.matchings, "matched on")
    yield from check_shown(live, query, names)


def check_shown(live: Exposition, query: Query, names: promql.Names) -> Iterator[str]:
    if names.groupings:
        left = {label for label, _ in names.groupings} | set(names.carried)
    else:
        left = {label for metric in names.metrics() for label in known_labels(live, metric) or ()}
    for label in sorted(query.shown - left):
        yield f"shows the label {label}, which the result does not have"


def check_all_used(live: Exposition, queries: list[Query]) -> Iterator[str]:
    used = {metric for query in queries for metric in promql.names(query.expression).metrics()}
    for family in live.families:
        series = {family, *(f"{family}_{part}" for part in ("bucket", "sum", "count"))}
        if family.startswith("tcpeek_") and not series & used and family not in EXEMPT:
            yield f"{family} is exported, but no panel shows it"
    for family in EXEMPT:
        if family not in live.families:
            yield f"{family} is exempt, but not exported"


def check_variables(live: Exposition, dashboard: Dashboard) -> Iterator[str]:
    known = {variable["name"] for variable in dashboard.variables()} | GRAFANA_VARIABLES
    for name in sorted(set(re.findall(r"\$(\w+)", dashboard.text)) - known):
        yield f"the variable ${name} is not defined"
    for variable in dashboard.variables():
        if variable["type"] != "query":
            continue
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        if match is None or variable["definition"] != variable["query"]["query"]:
            yield f"variable {variable['name']}: not understood"
            continue
        where = f"variable {variable['name']}"
        for text in check_query(live, Query(where, match[1], frozenset([match[2]]))):
            yield f"{where}: {text}"


def check_shape(dashboard: Dashboard) -> Iterator[str]:
    """What Grafana 9 wants, as far as it can be seen without one."""
    if dashboard.tree["schemaVersion"] < 37:
        yield f"schemaVersion {dashboard.tree['schemaVersion']} is older than Grafana 9"
    ids = [panel["id"] for panel in dashboard.panels()]
    if len(ids) != len(set(ids)):
        yield "two panels have the same id"
    taken: dict[tuple[int, int], str] = {}
    for panel in dashboard.panels():
        place = panel["gridPos"]
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"])
                     for y in range(place["y"], place["y"] + place["h"])):
            if cell in taken or cell[0] >= 24:
                yield f"panel '{panel['title']}' lies on '{taken.get(cell, 'the edge')}'"
                break
            taken[cell] = panel["title"]
        references = [target["refId"] for target in panel.get("targets", [])]
        if len(references) != len(set(references)):
            yield f"panel '{panel['title']}': two targets have the same refId"
        for source in (panel, *panel.get("targets", [])):
            if panel["type"] != "row" and source["datasource"]["uid"] != "${datasource}":
                yield f"panel '{panel['title']}' does not use the data source that is chosen"


def check(live: Exposition, dashboard_text: str, alerts_text: str) -> list[str]:
    dashboard = Dashboard(dashboard_text)
    queries = dashboard.queries()
    problems = [f"{query.where}: {text}" for query in queries + alert_queries(alerts_text)
                for text in check_query(live, query)]
    problems += check_variables(live, dashboard)
    problems += check_shape(dashboard)
    return problems + list(check_all_used(live, queries))


def check_files(live: Exposition) -> None:
    """Raises Failure if the files of packaging do not fit what is exported."""
    problems = check(live, DASHBOARD.read_text(), ALERTS.read_text())
    if problems:
        raise Failure("\n      ".join(problems))
    absent = sorted(OPTIONAL - live.samples.keys())
    print(f"{len(Dashboard(DASHBOARD.read_text()).queries())} queries of the dashboard and "
          f"{len(alert_queries(ALERTS.read_text()))} alerts name only what is exported"
          + (f" (not told by this kernel: {', '.join(absent)})" if absent else ""))


def metrics_of_own(tcpeek: Path) -> str:
    """The /metrics of a tcpeek on loopback that has seen a success and a failure."""
    need_built(tcpeek)
    enter_own_network()
    ports = Ports()
    url = "http://127.0.0.1:9750/metrics"
    command = [str(tcpeek), "-i", "lo", "-q", "-U", "none", "--http=127.0.0.1:9750"]
    with (scratch() as folder, Traffic(ports) as traffic,
          Program(command, folder / "tcpeek.log") as program):
        program.wait_ready(lambda: fetch(url))
        traffic.succeed(1)
        traffic.be_refused(1)
        # Packets reach the counters within the 50 ms that they are merged in.
        time.sleep(1)
        return fetch(url)


# --- self-test --------------------------------------------------------------------------------

_SAMPLE_METRICS = """\
# TYPE tcpeek_sessions_total counter
tcpeek_sessions_total{filter="RX",result="success",cause="established"} 1
tcpeek_sessions_total{filter="RX",result="timeout",cause="no_reply"} 0
# TYPE tcpeek_sessions_pending gauge
tcpeek_sessions_pending{stage="syn_sent",retried="0"} 0
# TYPE tcpeek_handshake_duration_seconds histogram
tcpeek_handshake_duration_seconds_bucket{filter="RX",part="total",le="+Inf"} 1
tcpeek_handshake_duration_seconds_sum{filter="RX",part="total"} 0.25
tcpeek_handshake_duration_seconds_count{filter="RX",part="total"} 1
"""
# An expression, a legend, and a part of what must be said of them; nothing where they are good.
_PLANTED = (
    ('sum by (filter) (rate(tcpeek_sessions_total{result=~"success|timeout"}[5m]))', "{{filter}}",
     None),
    ("tcpeek_sessions_pending offset 1d", "{{stage}} {{instance}}", None),
    ('sum(rate(tcpeek_sessions_total{instance=~"$instance"}[5m])) by (cause)', "{{cause}}", None),
    ("tcpeek_session_total", "", "there is no metric tcpeek_session_total"),
    ('tcpeek_sessions_total{reason="x"}', "", "no label reason (selected)"),
    ('tcpeek_sessions_total{result="sucess"}', "", "no result='sucess'"),
    ('tcpeek_sessions_total{result=~"timeout|rejct"}', "", "no result='rejct'"),
    ('tcpeek_sessions_total{cause=~"icmp_.*"}', "", "no cause that matches"),
    ("sum by (filter, interface) (rate(tcpeek_sessions_total[5m]))", "", "interface (grouped by)"),
    ("sum(tcpeek_sessions_pending) by (filter)", "", "filter (grouped by)"),
    ("tcpeek_sessions_total / on (filter) tcpeek_sessions_pending", "", "filter (matched on)"),
    ("sum by (filter) (tcpeek_sessions_total)", "{{cause}}", "shows the label cause"),
    ("sum without (cause) (tcpeek_sessions_total)", "", "write `by`"),
    ('{__name__=~"tcpeek_.*"}', "", "without the name of a metric"),
    ("sum(tcpeek_sessions_total", "", "ends too early"),
    ('tcpeek_sessions_total{filter=~"$filtr"}', "", "$filtr is not defined"),
)


def _sample_dashboard(expression: str, legend: str, others: str = "tcpeek_sessions_total") -> str:
    source = {"type": "prometheus", "uid": "${datasource}"}
    expressions = [(expression, legend), (others, ""), ("tcpeek_sessions_pending", ""),
                   ("tcpeek_handshake_duration_seconds_sum", "")]
    targets = [{"refId": chr(65 + place), "expr": text, "legendFormat": shown, "datasource": source}
               for place, (text, shown) in enumerate(expressions)]
    variables = [{"name": "datasource", "type": "datasource"},
                 {"name": "instance", "type": "query",
                  "definition": "label_values(tcpeek_sessions_total, instance)",
                  "query": {"query": "label_values(tcpeek_sessions_total, instance)"}}]
    panel = {"id": 1, "type": "timeseries", "title": "planted", "datasource": source,
             "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8}, "targets": targets}
    return json.dumps({"schemaVersion": 37, "panels": [panel], "templating": {"list": variables}})


def _sample_alert(expression: str, annotation: str) -> str:
    return json.dumps({"groups": [{"name": "planted", "rules": [
        {"alert": "Planted", "expr": expression, "annotations": {"summary": annotation}}]}]})


def self_test() -> None:
    live = exposition.parse(_SAMPLE_METRICS)
    good = "tcpeek_sessions_total"
    cases = [(_sample_dashboard(expression, legend), _sample_alert(good, ""), expected)
             for expression, legend, expected in _PLANTED]
    cases += [
        (_sample_dashboard(good, ""), _sample_alert("tcpeek_down", ""), "no metric tcpeek_down"),
        (_sample_dashboard(good, ""), _sample_alert("up", "{{ $labels.filter }}"),
         "shows the label filter"),
        (_sample_dashboard("up", "", "up"), _sample_alert(good, ""),
         "tcpeek_sessions_total is exported, but no panel shows it"),
        (_sample_dashboard(good, "").replace('"schemaVersion": 37', '"schemaVersion": 30'),
         _sample_alert(good, ""), "older than Grafana 9"),
        (_sample_dashboard(good, "").replace('"refId": "B"', '"refId": "A"'),
         _sample_alert(good, ""), "the same refId"),
        (_sample_dashboard(good, "").replace("_total, instance", "_total, host"),
         _sample_alert(good, ""), "shows the label host"),
    ]
    missed = 0
    for dashboard, alert, expected in cases:
        try:
            problems = check(live, dashboard, alert)
        except ValueError as error:
            problems = [str(error)]
        if expected is None and problems:
            missed += 1
            print(f"should be good, but: {problems}")
        elif expected is not None and not any(expected in problem for problem in problems):
            missed += 1
            print(f"{expected!r} was not found, but: {problems}")
    print(f"{len(cases)} cases, {missed} wrong")
    if missed:
        raise Failure("the check does not find what it should")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--metrics", help="a file or an http:// URL")
    parser.add_argument("--tcpeek", type=Path, help="the program, to be started on loopback")
    parser.add_argument("--tcpeekstat", type=Path, help="not needed; other tests here take it")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return run_test(self_test)
    if options.metrics is None and options.tcpeek is None:
        parser.error("--metrics or --tcpeek is needed")

    def body() -> None:
        if options.metrics is None:
            text = metrics_of_own(options.tcpeek.resolve())
        elif options.metrics.startswith("http://"):
            text = fetch(options.metrics)
        else:
            text = Path(options.metrics).read_text()
        check_files(exposition.parse(text))

    return run_test(body)


if __name__ == "__main__":
    sys.exit(main())
