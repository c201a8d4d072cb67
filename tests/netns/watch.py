"""The real tcpeek in a host, and the comparison of all that it printed with what it must print."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import settings
from expect import (
    NANO,
    Event,
    Icmp,
    Session,
    difference,
    event_of,
    expected_rows,
    form_faults,
    instant,
    parse_summary,
    session_of,
)
from lab import Failure, Host
from traffic import Flow

# `-t` of most scenes: long enough for one repetition of the kernel (1 s), short enough to wait for.
TIMEOUT = 2


class Watch:
    """A running tcpeek and what it has printed so far."""

    def __init__(
        self,
        host: Host,
        options: list[str],
        *,
        label: str | None = None,
        filters: tuple[str, ...] = (),
        interface: str | None = None,
        timeout: int = TIMEOUT,
        json_lines: bool = True,
        wrap: list[str] | None = None,
        environment: dict[str, str] | None = None,
        terminal: bool = False,
        unread: bool = False,
        program: str | None = None,
    ) -> None:
        """`terminal`: standard error is one. `unread`: standard output is a small pipe that
        nobody reads. `wrap`: a command that runs tcpeek, e.g. as another user."""
        self.label = label or f"{host.label} {' '.join(options)}"
        # What an expected session has when the scene does not say otherwise.
        self.filters = filters
        self.interface = interface
        self.timeout = timeout
        self.icmp = "--icmp" in options
        self.names = ["RX", "TX", *_names_of(options)]
        self.started = time.time()
        self.expected: list[Session | Event] = []
        form = ["-o", "json"] if json_lines else []
        always = [*form, "-t", str(timeout), "-U", "none"]
        # An option is given once: the scene's own goes before what all get.
        own = {option.split("=")[0] for option in options}
        general = [option for option in settings.OPTIONS if option.split("=")[0] not in own]
        self.command = [program or settings.PROGRAM, *always, *general, *options]
        out, out_end = _small_pipe() if unread else os.pipe()
        err, err_end = os.openpty() if terminal else os.pipe()
        self.process = subprocess.Popen(
            host.exec(*(wrap or []), *self.command),
            stdin=subprocess.DEVNULL,
            stdout=out_end,
            stderr=err_end,
            env={**os.environ, **(environment or {})},
        )
        os.close(out_end)
        os.close(err_end)
        self.out = _Reader(out, start=not unread)
        self.err = _Reader(err)
        self.ended_after = 0.0

    # --- while it runs ------------------------------------------------------------------------

    def until(self, true: Callable[[], bool], seconds: float, what: str) -> None:
        """Waits for something that must happen within `seconds`."""
        seconds *= settings.SLOW
        deadline = time.monotonic() + seconds
        while not true():
            if time.monotonic() > deadline:
                raise Failure(f"{self.label}: {what} within {seconds:g} s\n{self.saved()}")
            if self.process.poll() is not None and not self.out.open and not self.err.open:
                if not true():
                    raise Failure(f"{self.label}: ended while waiting: {what}\n{self.saved()}")
                return
            time.sleep(0.01)

    def until_listening(self, interfaces: int = 1) -> Watch:
        self.until(
            lambda: self.err.text.count("listening on ") >= interfaces
            and self.err.text.endswith("\n"),
            10,
            f"{interfaces} lines `listening on`",
        )
        return self

    def until_said(self, text: str, seconds: float = 5) -> None:
        """Waits for a text on standard error."""
        self.until(lambda: text in self.err.text, seconds, f"no {text!r} on standard error")

    def until_records(self, number: int, seconds: float | None = None) -> None:
        # Expiry is looked at once a second, and the kernel's ring hands over what it has in time.
        limit = seconds if seconds is not None else self.timeout * 2 + 6
        self.until(lambda: len(self.lines()) >= number, limit, f"not {number} records")

    def lines(self) -> list[str]:
        return self.out.text.splitlines()

    def records(self) -> list[dict[str, Any]]:
        """Every whole JSON line; a line that is none fails the scene."""
        text = self.out.text
        lines = text[: text.rfind("\n") + 1].splitlines()
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise Failure(f"{self.label}: {error}\n{self.saved()}") from error

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    # --- what it must print -------------------------------------------------------------------

    def expect(
        self,
        flow: Flow,
        result: str,
        cause: str,
        history: str | None,
        *,
        filters: tuple[str, ...] | None = None,
        interface: str | None = None,
        **fields: Any,
    ) -> None:
        if "icmp" in fields and fields["icmp"] is not None:
            fields["icmp"] = Icmp(*fields["icmp"])
        chosen = self.filters if filters is None else filters
        self.expected.append(
            Session(flow, result, cause, history, chosen,
                    interface=interface or self.interface, **fields)
        )

    def expect_event(self, flow: Flow, kind: str, by: str | None = None) -> None:
        self.expected.append(Event(flow, kind, self.filters, by))

    def until_expected(self) -> None:
        """Waits for as many records as are expected, without those that the end brings."""
        falling = [
            item for item in self.expected
            if not (isinstance(item, Session) and item.result == "pending")
        ]
        self.until(
            lambda: len(self.lines()) >= len(falling),
            self.timeout * 2 + 6,
            f"{len(falling)} records were expected, not there",
        )

    # --- its end ------------------------------------------------------------------------------

    def stop(self, number: signal.Signals = signal.SIGINT, within: float = 5) -> int:
        """Sends a signal and waits for the end; returns the exit status."""
        self.send(number)
        return self.end(within)

    def end(self, within: float = 5) -> int:
        """Waits until the program ends by itself; returns the exit status."""
        begun = time.monotonic()
        try:
            status = self.process.wait(within * settings.SLOW)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.label}: did not end within {within * settings.SLOW:g} s\n"
                          f"{self.saved()}") from None
        self.ended_after = time.monotonic() - begun
        self.out.join()
        self.err.join()
        return status

    def check(self, status: int = 0) -> None:
        """Compares records, summary and exit status of the ended program; all must be exact."""
        faults = []
        if self.process.returncode != status:
            faults.append(f"exit status {self.process.returncode}, expected {status}")
        records = self.records()
        for record in records:
            faults += [f"{fault}: {record}" for fault in form_faults(record, self.timeout)]
            if not self.started - 1 <= instant(record["start"]) / NANO <= time.time():
                faults.append(f"no attempt of this scene's time: {record}")
        if not faults:
            faults += difference(self.expected, [_value_of(record) for record in records])
            faults += self._summary_faults()
        if faults:
            raise Failure(f"{self.label}:\n  " + "\n  ".join(faults) + f"\n{self.saved()}")

    def summaries(self) -> list[dict[str, dict[str, int]]]:
        head = "========== TCPEEK SUMMARY"
        try:
            return [parse_summary(head + part) for part in self.err.text.split(head)[1:]]
        except ValueError as error:
            raise Failure(f"{self.label}: {error}\n{self.saved()}") from error

    def _summary_faults(self) -> list[str]:
        summaries = self.summaries()
        if not summaries:
            return ["there is no summary"]
        last = summaries[-1]
        capture = last.pop("capture", {})
        last.pop("details", {})
        faults = []
        if list(last) != self.names:
            faults.append(f"summary of {list(last)}, expected {self.names}")
        for name, rows in last.items():
            wanted = expected_rows(self.expected, name, self.icmp)
            if list(rows.items()) != list(wanted.items()):
                faults.append(f"summary of {name}: {rows}, expected {wanted}")
        pending = sum(
            isinstance(item, Session) and item.result == "pending" for item in self.expected
        )
        for label, value in (("Dropped by kernel", 0), ("Sessions pending", pending),
                             ("Sessions evicted", 0)):
            if capture.get(label) != value:
                faults.append(f"summary of the capture: {capture}, expected {label} {value}")
        return faults

    def saved(self) -> str:
        """All that the program printed, for a failure's text."""
        return (
            f"--- {self.label}: {' '.join(self.command)}\n"
            f"--- standard output\n{self.out.text}--- standard error\n{self.err.text}---"
        )

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.out.join()
        self.err.join()


class _Reader:
    """Collects what comes through a pipe, so that the program never waits for its reader."""

    def __init__(self, fd: int, start: bool = True) -> None:
        self._fd = fd
        self._chunks: list[bytes] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._started = start
        if start:
            self._thread.start()

    @property
    def text(self) -> str:
        return b"".join(self._chunks).decode("utf-8", "replace")

    @property
    def open(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> None:
        """Waits for the end of what is read; nobody's pipe is closed."""
        if self._started:
            self._thread.join(5)
        else:
            self.abandon()

    def line(self) -> str:
        """Reads one line of a pipe that nobody else reads."""
        text = b""
        while not text.endswith(b"\n") and (one := os.read(self._fd, 1)):
            text += one
        return text.decode()

    def abandon(self) -> None:
        """Closes a pipe that nobody reads: its reader is gone."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _read(self) -> None:
        try:
            while chunk := os.read(self._fd, 65536):
                self._chunks.append(chunk)
        except OSError:
            pass  # a terminal whose other side was closed
        finally:
            os.close(self._fd)


def _small_pipe() -> tuple[int, int]:
    read_end, write_end = os.pipe()
    fcntl.fcntl(read_end, fcntl.F_SETPIPE_SZ, 4096)
    return read_end, write_end


def _names_of(options: list[str]) -> list[str]:
    """The filters' names in the expressions among the options, each once, in order."""
    names = [
        option.split(":", 1)[0] for option in options
        if "@" in option and option.split("@", 1)[0].endswith((":RX", ":TX", ":ANY"))
    ]
    return [name for name in dict.fromkeys(names) if name and name not in ("RX", "TX")]


def _value_of(record: dict[str, Any]) -> Session | Event:
    return event_of(record) if "event" in record else session_of(record)


class Points:
    """The watchers of one scene."""

    def __init__(self, watches: dict[str, Watch], marker: Callable[[], Flow] | None = None) -> None:
        self.watches = watches
        self._marker = marker

    def __getitem__(self, name: str) -> Watch:
        return self.watches[name]

    def all_but(self, *names: str) -> list[str]:
        assert set(names) <= set(self.watches)
        return [name for name in self.watches if name not in names]

    def expect(
        self,
        flow: Flow,
        result: str,
        cause: str,
        history: str | None,
        *,
        at: list[str] | None = None,
        **fields: Any,
    ) -> None:
        """Each watcher (or those named by `at`) must print this session, under its own filter."""
        for name in self.watches if at is None else at:
            self.watches[name].expect(flow, result, cause, history, **fields)

    def expect_event(self, flow: Flow, kind: str, by: str | None = None) -> None:
        for watch in self.watches.values():
            watch.expect_event(flow, kind, by)

    def finish(self) -> None:
        """Waits for all that is expected, ends every watcher by SIGINT and compares.

        A last connect, which all see, comes before the end: when its record is there, nothing that
        was captured before it is still on its way.
        """
        for watch in self.watches.values():
            watch.until_expected()
        if self._marker is not None:
            self.expect(self._marker(), "success", "established", "ShA")
            for watch in self.watches.values():
                watch.until_expected()
        for watch in self.watches.values():
            watch.send(signal.SIGINT)
        for watch in self.watches.values():
            watch.end()
        faults = []
        for watch in self.watches.values():
            try:
                watch.check()
            except Failure as failure:
                faults.append(str(failure))
        if faults:
            raise Failure("\n".join(faults))
