"""The series that exist from the start, written down by hand from the contract, against those of a
tcpeek that has seen nothing yet."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "monitoring"))

from exposition import Exposition, parse
from kit import quiet_interface, serving

# Quotes, backslashes, what ends a label or a JSON text, other letters, and the longest name.
ODD = ('we"b\\ü雪', "a{}'$,=\"", "x" * 64)
FILTERS = ("RX", "TX", *ODD)
CAUSES = (("success", "established"), ("success", "simultaneous_open"),
          ("success", "synack_unseen"), ("timeout", "no_reply"), ("timeout", "challenged"),
          ("timeout", "no_ack"), ("timeout", "superseded"), ("reject", "refused"),
          ("reject", "reset"), ("abort", "client_reset"), ("unjudged", "one_way"))
PER_FILTER = {
    "tcpeek_retransmitting_sessions_total": {"segment": ("syn", "synack")},
    "tcpeek_retransmitted_segments_total": {"segment": ("syn", "synack")},
    "tcpeek_recovered_sessions_total": {},
    "tcpeek_unaccepted_sessions_total": {},
    "tcpeek_reset_early_sessions_total": {"by": ("server", "client")},
    "tcpeek_doubtful_timeouts_total": {},
    "tcpeek_filter_evicted_total": {},
    "tcpeek_handshake_duration_seconds_sum": {"part": ("total", "synack", "ack")},
    "tcpeek_handshake_duration_seconds_count": {"part": ("total", "synack", "ack")},
    "tcpeek_handshake_duration_seconds_bucket": {
        "part": ("total", "synack", "ack"),
        "le": ("5e-05", "0.0001", "0.0002", "0.0005", "0.001", "0.002", "0.005", "0.01", "0.02",
               "0.05", "0.1", "0.2", "0.5", "1", "2", "4", "8", "16", "32", "64", "+Inf")},
}
ONCE = {
    "tcpeek_sessions_pending": {"stage": ("syn_sent", "syn_received"), "retried": ("0", "1")},
    "tcpeek_sessions_evicted_total": {},
    "tcpeek_unmatched_sessions_total": {},
    "tcpeek_duplicate_packets_total": {},
    "tcpeek_undisplayed_records_total": {},
    "tcpeek_kernel_filter_degradations_total": {},
    "tcpeek_kernel_filter_failed_inserts_total": {},
}
# Not 0, of which only the names are compared; and those of interfaces and of ignored packets, whose
# labels depend on what is there.
OTHERS = {"tcpeek_build_info": {"version"}, "process_cpu_seconds_total": set(),
          "process_resident_memory_bytes": set(), "tcpeek_capture_packets_total": {"interface"},
          "tcpeek_capture_dropped_total": {"interface", "by"},
          "tcpeek_ignored_packets_total": {"reason"}, "tcpeek_kernel_filter_state": {"state"}}
WHERE_THE_KERNEL_TELLS = {"tcpeek_kernel_filter_run_seconds_total",
                          "tcpeek_kernel_filter_runs_total"}

Series = frozenset[tuple[str, str]]


def combinations(values: dict[str, tuple[str, ...]]) -> set[Series]:
    pairs = [[(label, value) for value in of_label] for label, of_label in values.items()]
    return {frozenset(series) for series in itertools.product(*pairs)}


def wanted() -> dict[str, set[Series]]:
    series = {name: combinations({"filter": FILTERS, **values})
              for name, values in PER_FILTER.items()}
    series["tcpeek_sessions_total"] = {
        frozenset({("filter", name), ("result", result), ("cause", cause)})
        for name in FILTERS for result, cause in CAUSES}
    return series | {name: combinations(values) for name, values in ONCE.items()}


def compare(found: Exposition) -> None:
    expected = wanted()
    names = set(found.samples) - WHERE_THE_KERNEL_TELLS
    assert names == set(expected) | set(OTHERS), names ^ (set(expected) | set(OTHERS))
    for name, series in expected.items():
        there = {frozenset(labels) for labels in found.samples[name]}
        assert there == series, (name, sorted(map(sorted, there ^ series))[:5])
        assert not any(found.samples[name].values()), (name, found.samples[name])
    for name, labels in OTHERS.items():
        assert found.label_names(name) == labels, (name, found.label_names(name))
    assert found.label_values("tcpeek_capture_packets_total", "interface") == {"quiet"}
    assert found.label_values("tcpeek_capture_dropped_total", "by") == {"kernel", "interface"}
    states = found.samples["tcpeek_kernel_filter_state"]
    assert found.label_values("tcpeek_kernel_filter_state", "state") == {"exact", "degraded", "off"}
    assert sorted(states.values()) == [0, 0, 1], states


def test_series_from_the_start(tcpeek: str, folder: Path) -> None:
    """On an interface where nothing happens."""
    with quiet_interface("quiet"), serving(
            tcpeek, folder / "s", "--icmp", *(f"{name}:ANY@*:*" for name in ODD),
            interface="quiet") as server:
        compare(parse(server.http("GET", "/metrics")[2].decode()))
        assert [name for element in server.json() for name in element] == [*FILTERS, "pcap"]
        assert list(server.json("STATS\n")["filters"]) == list(FILTERS)
