#!/usr/bin/env python3
"""tcpeekstat against the real tcpeek, against servers that answer wrongly, with a gmetric that writes
down how it was called, and on a terminal. Usage: run.py --tcpeek PATH --tcpeekstat PATH [NAME...]."""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kit import (PCAP_HEADER_OCTETS, Gmetric, Terminal, WrongServer, ask, capture_of, stats_of,
                 tcpeek_on_a_pipe, wait_for)

REFUSED = "failure/refused.script"
SUCCESS = "handshake/success.script"
ITEMS = ("success_dupsyn", "success_dupsynack", "failure_timeout", "failure_reject",
         "failure_unreach", "failure_abort")


@dataclass(frozen=True)
class Programs:
    tcpeek: Path
    tcpeekstat: Path
    folder: Path

    @property
    def socket(self) -> Path:
        return self.folder / "tcpeek.sock"

    def stat(self, *arguments: object, socket: Path | None = None) -> subprocess.CompletedProcess:
        return subprocess.run([self.tcpeekstat, "-U", socket or self.socket,
                               *map(str, arguments)], capture_output=True, text=True, timeout=60,
                              check=False)

    def serving(self, *expressions: str):
        return tcpeek_on_a_pipe(self.tcpeek, self.socket, *expressions)

    def feed(self, process: subprocess.Popen, script: str, first: bool, wanted: int) -> None:
        """Waits until ALL has so many sessions. What comes first is IPv4, the rest IPv6."""
        packets = capture_of(script, self.folder,
                             f"{'v4' if first else 'v6'}-eth-us-pcap-full")
        process.stdin.write(packets if first else packets[PCAP_HEADER_OCTETS:])
        process.stdin.flush()
        wait_for(lambda: sum(sum(causes.values()) for causes in
                             stats_of(self.socket)["filters"]["ALL"]["sessions"].values())
                 >= wanted, f"{wanted} sessions")


def failed_by_one_line(done: subprocess.CompletedProcess, status: int, *texts: str) -> None:
    assert done.returncode == status, (done.returncode, done.stderr)
    assert done.stdout == "", done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) == 1 and lines[0].startswith("tcpeekstat: "), done.stderr
    for text in texts:
        assert text in lines[0], (text, lines[0])


def totals_for_people(programs: Programs) -> None:
    with programs.serving("one:ANY@*:*", "none:ANY@*:1") as tcpeek:
        programs.feed(tcpeek, REFUSED, True, 1)
        programs.feed(tcpeek, SUCCESS, False, 2)
        done = programs.stat()
        assert done.returncode == 0 and done.stderr == "", done
        rows = [line.split() for line in done.stdout.splitlines()]
        # The columns are success, failure, timeout, reject, unreach, abort, unjudged.
        assert ["ALL", "1", "1", "0", "1", "0", "0", "0"] in rows, done.stdout
        assert ["one", "1", "1", "0", "1", "0", "0", "0"] in rows, done.stdout
        assert ["none"] + ["0"] * 7 in rows, done.stdout
        assert rows[0][:1] == ["tcpeek"] and rows[1][0] == "pending", done.stdout
        assert all(len(line) <= 80 for line in done.stdout.splitlines()), done.stdout
        latency = stats_of(programs.socket)["filters"]["ALL"]["latency"]["elapsed"]
        shown = f"{latency['p50_ns'] / 1e6:.3g}"
        assert any(row[:2] == ["ALL", "1"] and row[2] == shown for row in rows), (shown,
                                                                                   done.stdout)


def get_as_it_comes(programs: Programs) -> None:
    with programs.serving('odd "ü"/x:ANY@*:*') as tcpeek:
        programs.feed(tcpeek, REFUSED, True, 1)
        done = programs.stat("-j")
        assert done.returncode == 0 and done.stderr == "", done
        assert done.stdout.encode() == ask(programs.socket, "GET"), done.stdout
        assert done.stdout.count("\n") == 1
        assert json.loads(done.stdout)[1]['odd "ü"/x']["failure"]["reject"] == 1


def values_to_gmetric(programs: Programs) -> None:
    gmetric = Gmetric(programs.folder)
    harmful = "$(touch harm); `touch harm`"
    with programs.serving(f"{harmful}:ANY@*:*") as tcpeek:
        programs.feed(tcpeek, REFUSED, True, 1)
        for wanted in ("1", "0"):
            gmetric.log.write_text("")
            done = programs.stat("-g", f"--gmetric-command={gmetric.program}")
            assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done
            names = ["ALL", "__touch_harm____touch_harm_"]
            assert [call[1] for call in gmetric.calls()] == [
                f"tcpeek_{name}_{item}" for name in names for item in ITEMS], gmetric.calls()
            for call in gmetric.calls():
                value = wanted if call[1].endswith("_reject") else "0"
                assert call == ["-n", call[1], "-v", value, "-t", "uint32"], call
        gmetric.log.write_text("")
        programs.stat("-g", f"--gmetric-command={gmetric.program}", "--gmetric-config=/some file")
        assert all(call[6:] == ["-c", "/some file"] for call in gmetric.calls()), gmetric.calls()
    assert not Path("harm").exists() and not (programs.folder / "harm").exists()


def refresh_answer(reject: int) -> bytes:
    figures = {"success": {"total": 0, "dupsyn": 0, "dupsynack": 0},
               "failure": {"total": reject, "timeout": 0, "reject": reject, "unreach": 0,
                           "abort": 0},
               "other": {"unjudged": 0, "unaccepted": 0, "resetearly": 0}}
    return json.dumps([{"RX": figures}]).encode() + b"\n"


def values_beyond_32_bits(programs: Programs) -> None:
    gmetric = Gmetric(programs.folder)
    for value, kind in ((2**32 - 1, "uint32"), (2**32, "double"), (2**64 - 1, "double")):
        gmetric.log.write_text("")
        with WrongServer(programs.socket, refresh_answer(value)) as server:
            done = programs.stat("-g", f"--gmetric-command={gmetric.program}")
        assert server.lines == [b"REFRESH\n"], server.lines
        assert done.returncode == 0, done
        call = next(call for call in gmetric.calls() if call[1] == "tcpeek_RX_failure_reject")
        assert call[3:] == [str(value), "-t", kind], call


def a_value_that_cannot_be_sent(programs: Programs) -> None:
    gmetric = Gmetric(programs.folder, 'case $2 in *_timeout) echo "no route" >&2; exit 7;; esac')
    with WrongServer(programs.socket, refresh_answer(5)):
        done = programs.stat("-g", f"--gmetric-command={gmetric.program}")
    failed_by_one_line(done, 1, "tcpeek_RX_failure_timeout = 0", "status 7", "no route")
    assert len(gmetric.values()) == len(ITEMS), "the others are sent all the same"
    gmetric = Gmetric(programs.folder, "kill -9 $$")
    with WrongServer(programs.socket, refresh_answer(5)):
        done = programs.stat("-g", f"--gmetric-command={gmetric.program}")
    assert done.returncode == 1 and done.stderr.count("signal 9") == len(ITEMS), done


def a_gmetric_that_hangs(programs: Programs) -> None:
    gmetric = Gmetric(programs.folder, "case $2 in *_reject) exec sleep 60;; esac")
    begin = time.monotonic()
    with WrongServer(programs.socket, refresh_answer(5)):
        done = programs.stat("-g", f"--gmetric-command={gmetric.program}")
    assert 9 < time.monotonic() - begin < 20
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 3, done
    assert "tcpeek_RX_failure_reject = 5" in lines[0] and "within 10 s" in lines[0], lines
    assert all("not tried" in line for line in lines[1:]), lines


def a_gmetric_that_is_missing(programs: Programs) -> None:
    with programs.serving() as tcpeek:
        programs.feed(tcpeek, REFUSED, True, 1)
        for name in ("/nonexistent/gmetric", "no-such-gmetric", str(programs.folder)):
            done = programs.stat("-g", f"--gmetric-command={name}")
            failed_by_one_line(done, 1, name)
        # Nothing was taken: the next REFRESH still has it.
        refresh = json.loads(ask(programs.socket, "REFRESH"))
        assert refresh[0]["ALL"]["failure"]["reject"] == 1, refresh


def a_tcpeek_that_is_not_there(programs: Programs) -> None:
    for option in ((), ("-j",), ("-g", "--gmetric-command=/bin/true"), ("--watch",)):
        failed_by_one_line(programs.stat(*option), 1, str(programs.socket), "No such file")
    plain = programs.folder / "plain"
    plain.write_text("")
    failed_by_one_line(programs.stat(socket=plain), 1, "plain")
    failed_by_one_line(programs.stat(socket=Path("/tmp/" + "x" * 108)), 1, "at most 107")


def answers_that_are_wrong(programs: Programs) -> None:
    for answer, text in ((b"", "without an answer"), (b"\x00\xff\x1b[2J rubbish", "no JSON"),
                         (b'{"error":"unknown command\\u001b[2J"}\n', "unknown command"),
                         (b'{"version":"9"', "no JSON"), (b'{"version":"9"}\n', "same build"),
                         (b"[" * 200_000, "no JSON"), (b"[1,2]\n", "same build")):
        with WrongServer(programs.socket, answer):
            done = programs.stat()
        failed_by_one_line(done, 1, text)
        assert "\x1b" not in done.stderr, done.stderr
    for answer in (b"{}\n", b"[[]]\n", b'[{"RX":{"success":{}}}]\n', b'"x"\n'):
        with WrongServer(programs.socket, answer):
            done = programs.stat("-g", "--gmetric-command=/bin/false")
        failed_by_one_line(done, 1, "same build")


def a_server_that_says_nothing(programs: Programs) -> None:
    for answer in (b"", b'{"version":'):
        with WrongServer(programs.socket, answer, closes=False):
            begin = time.monotonic()
            done = programs.stat()
            failed_by_one_line(done, 1, "within 5 s")
            assert 4 < time.monotonic() - begin < 8


def wrong_options(programs: Programs) -> None:
    for arguments, text in ((["--wach"], "--watch"), (["-x"], "-x"), (["RX:RX@*:*"], "RX:RX"),
                            (["-j", "-g"], "exclude"), (["--watch=1", "-g"], "exclude"),
                            (["--watch=0"], "whole number"), (["--watch=x"], "whole number"),
                            (["--watch="], "needs a value"), (["-j=1"], "no value"),
                            (["--gmetric-config=x"], "only with -g"), (["--", "x"], "no option")):
        done = programs.stat(*arguments)
        failed_by_one_line(done, 2, text)
    done = programs.stat("-U", "x")
    failed_by_one_line(done, 2, "2 times")
    for option in ("-h", "--help", "-v", "--version"):
        done = programs.stat(option)
        assert done.returncode == 0 and "tcpeekstat" in done.stdout and not done.stderr, done
        with open("/dev/full", "w", encoding="ascii") as full:
            done = subprocess.run([programs.tcpeekstat, option], stdout=full,
                                  stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and "No space left" in done.stderr, done


def watch_on_a_terminal(programs: Programs) -> None:
    with programs.serving() as tcpeek:
        programs.feed(tcpeek, SUCCESS, True, 1)
        command = [str(programs.tcpeekstat), "-U", str(programs.socket), "--watch=1"]
        with Terminal(command) as terminal:
            terminal.wait_for("p99")
            programs.feed(tcpeek, REFUSED, False, 2)
            terminal.wait_for("per second")
            terminal.wait_for("\x1b[?1049h")
            terminal.forget()
            terminal.resize(3, 100)
            terminal.wait_for("pending 0")
            assert b"success" not in terminal.written, terminal.written
            terminal.forget()
            terminal.resize(30, 30)
            terminal.wait_for("filter")
            terminal.press(b"xyz\x1b[B\x1b[A")
            terminal.press(b"q")
            assert terminal.end() == 0
            after = terminal.written.partition(b"\x1b[?1049l")[2]
            assert b"latency" in after, "the last view stays on the terminal"
            assert terminal.is_restored()


def watch_ends(programs: Programs) -> None:
    def press_interrupt(terminal: Terminal) -> None:
        terminal.press(b"\x03")

    def send_terminate(terminal: Terminal) -> None:
        terminal.process.terminate()

    with programs.serving():
        command = [str(programs.tcpeekstat), "-U", str(programs.socket), "--watch"]
        for end in (press_interrupt, send_terminate):
            with Terminal(command) as terminal:
                terminal.wait_for("latency")
                end(terminal)
                assert terminal.end() == 0
                assert terminal.is_restored()


def watch_outlives_tcpeek(programs: Programs) -> None:
    command = [str(programs.tcpeekstat), "-U", str(programs.socket), "--watch=1"]
    with programs.serving() as tcpeek:
        terminal = Terminal(command)
        programs.feed(tcpeek, SUCCESS, True, 1)
        terminal.wait_for("latency")
    with terminal:
        terminal.wait_for("No such file")
        with programs.serving() as tcpeek:
            terminal.forget()
            programs.feed(tcpeek, REFUSED, True, 1)
            terminal.wait_for("per second")
            terminal.press(b"q")
            assert terminal.end() == 0


def watch_in_a_pipe(programs: Programs) -> None:
    with programs.serving():
        process = subprocess.Popen([programs.tcpeekstat, "-U", programs.socket, "--watch=1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=10)
        assert process.returncode == 0 and errors == b"", (process.returncode, errors)
        assert output.count(b"tcpeek ") == 3 and b"\x1b" not in output, output
        # A reader that goes away ends it well at the next block.
        process = subprocess.Popen([programs.tcpeekstat, "-U", programs.socket, "--watch=1"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        assert process.wait(timeout=10) == 0, process.stderr.read()
        process.stderr.close()


def watch_on_an_unknown_terminal(programs: Programs) -> None:
    with programs.serving():
        with Terminal(["/usr/bin/env", "TERM=nonesuch", str(programs.tcpeekstat), "-U",
                       str(programs.socket), "--watch"]) as terminal:
            assert terminal.end() == 1
            assert b"nonesuch" in terminal.written, terminal.written


TESTS: tuple[Callable[[Programs], None], ...] = (
    totals_for_people, get_as_it_comes, values_to_gmetric, values_beyond_32_bits,
    a_value_that_cannot_be_sent, a_gmetric_that_hangs, a_gmetric_that_is_missing,
    a_tcpeek_that_is_not_there, answers_that_are_wrong, a_server_that_says_nothing, wrong_options,
    watch_on_a_terminal, watch_ends, watch_outlives_tcpeek, watch_in_a_pipe,
    watch_on_an_unknown_terminal)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tcpeek", type=Path, required=True)
    parser.add_argument("--tcpeekstat", type=Path, required=True)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    failed = 0
    chosen = [test for test in TESTS if not options.names or test.__name__ in options.names]
    for test in chosen:
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Programs(options.tcpeek.resolve(), options.tcpeekstat.resolve(),
                              Path(folder)))
                print(f"ok   {test.__name__}", flush=True)
            except AssertionError as error:
                failed += 1
                line = traceback.extract_tb(error.__traceback__)[-1].lineno
                print(f"FAIL {test.__name__}: line {line}: {error}", flush=True)
    print(f"{len(chosen)} tests, {failed} failed")
    return 1 if failed or not chosen else 0


if __name__ == "__main__":
    sys.exit(main())
