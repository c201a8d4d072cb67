"""Scenes of what is printed where: table, JSON lines, quiet, colours."""

from __future__ import annotations

import json
import re
import time

from lab import FAMILIES, Failure, Lab
from places import Pair, running_packet_sockets, until, watch, watch_all
from registry import scene
from traffic import Flow
from watch import Watch

RX = {"filters": ("RX",), "interface": "eth0"}
ESCAPE = "\x1b"

HEADING = (
    " TIME(s) |       TIMESTAMP       |      SRC IP:PORT            DST IP:PORT     |"
    "      RESULTS      | DUP SYN  DUP S/A\n" + "-" * 118 + "\n"
)
COLOUR = r"(?:\x1b\[[0-9;]*m)?"
# TIME, TIMESTAMP, endpoints, RESULTS, DUP SYN, DUP S/A, with FORMATS.md's widths (IPv6 endpoints
# have their own).
LINE = re.compile(
    r"[ \d]{4}\.\d{3} \| \d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \| (?P<ends>[^|]+) \| "
    rf"{COLOUR}(?P<result>[a-z() ]{{17}}){COLOUR} \|(?P<syn>[ \d]{{8}}) (?P<synack>[ \d]{{8}})"
)


def play_three(pair: Pair) -> list[tuple[Flow, str]]:
    """A success, a refusal and a timeout of each family, and how the table calls them."""
    pair.server.rule("input", "tcp dport 82 drop")
    seen = []
    for family in FAMILIES:
        seen.append((pair.connect(family).must_be_open().flow, "success"))
        seen.append((pair.connect(family, 81).flow, "failure (reject)"))
        seen.append((pair.connect(family, 82, wait=0.1).must_hang().flow, "failure (timeout)"))
    return seen


def endpoints(line: re.Match[str]) -> str:
    """The endpoints' column of a line; of IPv6 without the padding."""
    return " ".join(line["ends"].split()) if "[" in line["ends"] else line["ends"]


def column(flow: Flow) -> str:
    if ":" in flow.src:
        return f"[{flow.src}]:{flow.sport} [{flow.dst}]:{flow.dport}"
    return f"{flow.src:>15}:{flow.sport:<5} {flow.dst:>15}:{flow.dport:<5}"


def table_lines(text: str) -> list[re.Match[str]]:
    return [match for line in text.splitlines() if (match := LINE.fullmatch(line))]


def fail(each: Watch, what: str) -> None:
    raise Failure(f"{each.label}: {what}\n{each.saved()}")


@scene
def table(lab: Lab) -> None:
    """The live table: heading, a line a session with its columns, then the summary; no escapes."""
    pair = Pair(lab)
    each = watch(lab, pair.server, ["-i", "eth0"], json_lines=False, **RX).until_listening()
    seen = play_three(pair)
    each.until(lambda: len(table_lines(each.err.text)) >= len(seen), 10, f"not {len(seen)} lines")
    each.stop()
    head, _, rest = each.err.text.partition("\n")
    if not re.fullmatch(r"listening on eth0, link-type EN10MB \(Ethernet\), "
                        r"capture size \d+ bytes", head):
        fail(each, "the first line is not `listening on`")
    if not rest.startswith(HEADING):
        fail(each, "no heading as in FORMATS.md")
    told = {(endpoints(line), line["result"].strip()) for line in table_lines(rest)}
    wanted = {(column(flow), result) for flow, result in seen}
    if told != wanted:
        fail(each, f"the table says {told}, expected {wanted}")
    if any(int(line["syn"]) or int(line["synack"]) for line in table_lines(rest)):
        fail(each, "retransmissions that never were")
    if each.out.text or ESCAPE in each.err.text:
        fail(each, "something on standard output, or escape codes into a pipe")
    rows = each.summaries()[-1]["RX"]
    if (rows["Success"], rows["Connection Rejected"], rows["Connection Timed Out"]) != (2, 2, 2):
        fail(each, f"the summary says {rows}")


@scene
def colours(lab: Lab) -> None:
    """On a terminal failures stand out, successes don't; with NO_COLOR nothing does."""
    pair = Pair(lab)
    both = [
        watch(lab, pair.server, ["-i", "eth0"], json_lines=False, terminal=True,
              environment={"NO_COLOR": value, "TERM": "xterm"}, label=f"NO_COLOR={value!r}")
        for value in ("", "1")
    ]
    for each in both:
        each.until_listening()
    seen = play_three(pair)
    for each in both:
        each.until(lambda e=each: len(table_lines(e.err.text)) >= len(seen), 10, "not all lines")
        each.stop()
    coloured, plain = both
    if ESCAPE in plain.err.text:
        fail(plain, "escape codes in spite of NO_COLOR")
    for line in table_lines(coloured.err.text):
        if (ESCAPE in line[0]) != line["result"].strip().startswith("failure"):
            fail(coloured, f"the wrong lines stand out: {line[0]!r}")
    if coloured.err.text.count(ESCAPE) != 2 * 4:
        fail(coloured, "colours outside of the four failures, or not taken back")


@scene
def quiet(lab: Lab) -> None:
    """-q: nothing but the summary; with -o json the JSON lines stay."""
    pair = Pair(lab)
    # A packet socket can be seen from outside, since there is no line that says it is open.
    options = ["-i", "eth0", "-q", "--capture=socket"]
    silent = watch(lab, pair.server, options, json_lines=False, **RX)
    lines = watch(lab, pair.server, options, **RX)
    until(lambda: running_packet_sockets(pair.server) >= 2, 10, "both capture")
    # The socket is there before the program is wholly up.
    time.sleep(0.2)
    for flow, result in play_three(pair):
        cause = {"success": ("success", "established", "ShA"),
                 "failure (reject)": ("reject", "refused", "Sr"),
                 "failure (timeout)": ("timeout", "no_reply", "S")}[result]
        lines.expect(flow, *cause)
        silent.expect(flow, *cause)
    lines.until_expected()
    silent.stop()
    lines.stop()
    lines.check()
    for each in (silent, lines):
        if not each.err.text.startswith("========== TCPEEK SUMMARY"):
            fail(each, "something before the summary")
    if silent.out.text:
        fail(silent, "something on standard output")
    rows = silent.summaries()[-1]["RX"]
    if (rows["Success"], rows["Connection Rejected"], rows["Connection Timed Out"]) != (2, 2, 2):
        fail(silent, f"the summary says {rows}")


@scene
def json_at_once(lab: Lab) -> None:
    """JSON lines are flushed one by one, in compact form and the order of FORMATS.md."""
    pair = Pair(lab)
    [each] = watch_all(lab, [(pair.server, ["-i", "eth0"], RX)])
    for number, family in enumerate(FAMILIES, 1):
        flow = pair.connect(family).must_be_open().flow
        each.expect(flow, "success", "established", "ShA")
        # A buffer would keep it until the end.
        each.until_records(number, seconds=2)
    each.stop()
    each.check()
    for line in each.lines():
        record = json.loads(line)
        if line != json.dumps(record, separators=(",", ":")):
            fail(each, f"not compact: {line}")
        if list(record) != [
            "start", "src", "sport", "dst", "dport", "result", "cause", "elapsed_ns", "synack_ns",
            "ack_ns", "dup_syn", "dup_synack", "history", "filters", "interface",
        ]:
            fail(each, f"keys in another order: {line}")
