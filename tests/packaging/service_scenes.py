"""The life of the service on a machine that systemd has booted: one scene after the other."""

import json
import re

from machine import Machine, until

UNIT = "tcpeek.service"
USUAL_SOCKET = "/run/tcpeek/tcpeek.sock"
CAP_NET_ADMIN, CAP_NET_RAW, CAP_PERFMON, CAP_BPF = (1 << number for number in (12, 13, 38, 39))
GIVEN = CAP_NET_ADMIN | CAP_NET_RAW | CAP_PERFMON | CAP_BPF  # by the unit


def rejects(machine: Machine, socket: str, name: str = "TX") -> int:
    answer = machine.run("tcpeekstat", "-j", "-U", socket, check=False).stdout
    filters = {key: value for entry in json.loads(answer or "[]") for key, value in entry.items()}
    return filters.get(name, {"failure": {"reject": -1}})["failure"]["reject"]


def be_refused(machine: Machine, port: int = 9) -> None:
    machine.run("bash", "-c", f"echo > /dev/tcp/192.0.2.2/{port}", check=False)


def is_active(machine: Machine, unit: str = UNIT) -> bool:
    return machine.text("systemctl", "is-active", unit) == "active"


def must_count(machine: Machine, socket: str, name: str = "TX", port: int = 9) -> None:
    until(lambda: rejects(machine, socket, name) >= 0, f"an answer on {socket}")
    before = rejects(machine, socket, name)
    be_refused(machine, port)
    until(lambda: rejects(machine, socket, name) == before + 1,
          f"one more refused connection on {socket}; {machine.journal('tcpeek*')[-1500:]}")


def installed(machine: Machine) -> None:
    """It is enabled and runs at once, although nothing is configured and no interface is there."""
    machine.run("apt-get", "install", "-y", "-qq", "/srv/tcpeek.deb")
    assert machine.text("systemctl", "is-enabled", UNIT) == "enabled"
    until(lambda: is_active(machine), f"{UNIT} is active: {machine.journal(UNIT)}")
    assert machine.show(UNIT, "NRestarts") == "0", machine.journal(UNIT)


def counts(machine: Machine) -> None:
    """An interface that comes later is taken; connections over it are counted."""
    machine.run("ip", "netns", "add", "blue")
    machine.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", "blue")
    machine.run("ip", "address", "add", "192.0.2.1/24", "dev", "v0")
    machine.run("ip", "-n", "blue", "address", "add", "192.0.2.2/24", "dev", "v1")
    machine.run("ip", "-n", "blue", "link", "set", "v1", "up")
    machine.run("ip", "link", "set", "v0", "up")
    until(lambda: "v0" in machine.journal(UNIT), f"v0 is watched: {machine.journal(UNIT)}")
    must_count(machine, USUAL_SOCKET)
    until(lambda: machine.show(UNIT, "StatusText") == "watching v0",
          f"the status is that of v0: {machine.show(UNIT, 'StatusText')}")
    # What root can have here, the service has, too: nothing of its sandbox stands in the way.
    facts = machine.text("tcpeek", "--info")
    engine = re.search("^capture engine: (.*) with the kernel filter$", facts, re.MULTILINE)
    assert engine, facts
    print(f"  captures by {engine[1]}")
    assert f"by {engine[1]}, with the kernel filter" in machine.journal(UNIT), machine.journal(UNIT)


def keeps(machine: Machine) -> int:
    """The capabilities that a capture with --wait keeps for interfaces that come later."""
    return CAP_NET_ADMIN | CAP_BPF if "by tcx hooks" in machine.journal(UNIT) else CAP_NET_RAW


def runs_without_root(machine: Machine) -> None:
    pid = machine.show(UNIT, "MainPID")
    status = dict(re.findall(r"^(\w+):\t(.*)$", machine.text("cat", f"/proc/{pid}/status"), re.MULTILINE))
    assert "0" not in status["Uid"].split() + status["Gid"].split(), status
    assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    for name, wanted in (("CapEff", keeps(machine)), ("CapPrm", keeps(machine)), ("CapAmb", 0),
                         ("CapInh", 0), ("CapBnd", GIVEN)):
        assert int(status[name], 16) == wanted, (name, status[name], wanted)
    assert "libcap-ng" not in machine.journal(UNIT), machine.journal(UNIT)
    mode = machine.text("stat", "-c", "%a %U %G", "/run/tcpeek", USUAL_SOCKET).splitlines()
    assert mode == ["750 tcpeek tcpeek", "660 tcpeek tcpeek"], mode
    for group, may_ask in (("tcpeek", True), ("nogroup", False)):
        asked = machine.run("setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "tcpeekstat",
                            check=False)
        assert (asked.returncode == 0) == may_ask, (group, asked)
        assert may_ask or "the service's is tcpeek" in asked.stderr, asked.stderr
    print(f"  effective capabilities {status['CapEff']}, memory limit {machine.show(UNIT, 'MemoryMax')}")


def is_configured(machine: Machine) -> None:
    """/etc/default/tcpeek is obeyed: an expression, and HTTP."""
    machine.run("sh", "-c", "sed -i -e 's/^TCPEEK_INTERFACES=.*/TCPEEK_INTERFACES=\"-i v0\"/' "
                "-e 's/^TCPEEK_OPTIONS=.*/TCPEEK_OPTIONS=\"--http=9750 -t 5\"/' "
                "-e 's/^TCPEEK_EXPRESSIONS=.*/TCPEEK_EXPRESSIONS=\"NINE:TX@*:9 :TX@*:10\"/' "
                "/etc/default/tcpeek; systemctl restart tcpeek")
    must_count(machine, USUAL_SOCKET, "NINE")
    page = machine.text("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9750; printf 'GET /metrics HTTP/1.0\\r\\n"
                        "\\r\\n' >&3; cat <&3")
    assert re.search(r'tcpeek_sessions_total\{[^}]*filter="NINE"[^}]*\} [1-9]', page), page[:500]


def is_reloaded(machine: Machine) -> None:
    """A filter that is new in the file that --config names counts after a reload, in the same process."""
    machine.run("sh", "-c", "echo 'expression = \"NINE:TX@*:9\"' >/etc/tcpeek.conf; "
                "sed -i -e 's/^TCPEEK_OPTIONS=\"/&--config=\\/etc\\/tcpeek.conf /' "
                "-e 's/^TCPEEK_EXPRESSIONS=.*/TCPEEK_EXPRESSIONS=\"\"/' /etc/default/tcpeek; "
                "systemctl restart tcpeek")
    must_count(machine, USUAL_SOCKET, "NINE")
    pid = machine.show(UNIT, "MainPID")
    machine.run("sh", "-c", "echo 'expression = \"NEW:TX@*:12\"' >>/etc/tcpeek.conf; systemctl reload tcpeek")
    must_count(machine, USUAL_SOCKET, "NEW", 12)
    must_count(machine, USUAL_SOCKET, "NINE")
    assert machine.show(UNIT, "MainPID") == pid


def has_instances(machine: Machine) -> None:
    """One for an interface, one for a network namespace, each with its own socket, beside the first."""
    machine.run("systemctl", "enable", "--now", "tcpeek@v0")
    machine.run("sh", "-c", "mkdir -p /etc/systemd/system/tcpeek@blue.service.d && "
                "printf '[Service]\\nNetworkNamespacePath=/run/netns/blue\\n' "
                ">/etc/systemd/system/tcpeek@blue.service.d/namespace.conf && "
                "echo 'TCPEEK_INTERFACES=\"-i v1\"' >/etc/default/tcpeek-blue && "
                "systemctl daemon-reload && systemctl start tcpeek@blue")
    must_count(machine, "/run/tcpeek/v0.sock")
    must_count(machine, "/run/tcpeek/blue.sock", "RX")
    must_count(machine, USUAL_SOCKET)


def is_watched(machine: Machine) -> None:
    """A tcpeek that hangs is replaced."""
    machine.run("sh", "-c", "mkdir -p /run/systemd/system/tcpeek.service.d && printf "
                "'[Service]\\nWatchdogSec=2s\\nRestartSec=100ms\\n' "
                ">/run/systemd/system/tcpeek.service.d/short.conf && systemctl daemon-reload && "
                "systemctl restart tcpeek")
    pid = machine.show(UNIT, "MainPID")
    machine.run("sleep", "3")
    assert machine.show(UNIT, "MainPID") == pid, "restarted although nothing was wrong"
    machine.run("kill", "-STOP", pid)
    until(lambda: machine.show(UNIT, "MainPID") not in ("0", pid) and is_active(machine), "a new process")
    assert machine.show(UNIT, "NRestarts") == "1"
    must_count(machine, USUAL_SOCKET)


def is_upgraded(machine: Machine) -> None:
    """Upgraded while it runs: all run again afterwards, with the settings they had."""
    units = (UNIT, "tcpeek@v0.service", "tcpeek@blue.service")
    before = {unit: machine.show(unit, "MainPID") for unit in units}
    machine.run("apt-get", "install", "-y", "-qq", "/srv/newer.deb")
    for unit in units:
        until(lambda: is_active(machine, unit), f"{unit} is active")  # pylint: disable=cell-var-from-loop
        assert machine.show(unit, "MainPID") != before[unit], f"{unit} is still the old process"
    assert machine.text("systemctl", "is-enabled", UNIT) == "enabled"
    must_count(machine, USUAL_SOCKET, "NINE")
    must_count(machine, "/run/tcpeek/blue.sock", "RX")


def is_stopped(machine: Machine) -> None:
    """The summary goes to the journal; the socket goes, those of the instances stay."""
    machine.run("systemctl", "stop", UNIT)
    assert machine.show(UNIT, "Result") == "success", machine.journal(UNIT)[-1000:]
    assert "TCPEEK SUMMARY" in machine.journal(UNIT)
    sockets = machine.text("ls", "/run/tcpeek").split()
    assert sockets == ["blue.sock", "v0.sock"], sockets
    machine.run("systemctl", "start", UNIT)


def is_purged(machine: Machine) -> None:
    machine.run("apt-get", "purge", "-y", "-qq", "tcpeek")
    left = machine.text("find", "/etc", "/usr", "/lib", "/run", "/var/lib", "-name", "*tcpeek*",
                        "-not", "-path", "/run/systemd/*").splitlines()
    # Files that the administrator made are his.
    assert sorted(left) == ["/etc/systemd/system/tcpeek@blue.service.d", "/etc/tcpeek.conf"], left
    assert machine.run("getent", "passwd", "tcpeek", check=False).returncode != 0
    assert machine.run("getent", "group", "tcpeek", check=False).returncode != 0
    assert machine.run("pgrep", "tcpeek", check=False).stdout == ""
    units = machine.text("systemctl", "list-units", "--plain", "--no-legend", "--state=active,failed",
                         "tcpeek*.service")
    assert not units, units


SCENES = (installed, counts, runs_without_root, is_configured, is_reloaded, has_instances, is_watched,
          is_upgraded, is_stopped, is_purged)


def play(machine: Machine) -> None:
    for scene in SCENES:
        scene(machine)
        print(f"  {scene.__name__}", flush=True)
