#!/usr/bin/env python3
"""A live demonstration on the loopback interface: real connections that succeed and fail, judged
by tcpeek. Usage: live.py TCPEEK. An ordinary user gets a network and user namespace for it, where
the machine allows that; else it needs root."""

import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}
TIMEOUT_SECONDS = 2
RAW_SYN_ISN = 0x1000
OWN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--net"]
IN_OWN_NAMESPACE = "TCPEEK_DEMO_NAMESPACE"


def say(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


def listener(family: int, backlog: int = 16) -> socket.socket:
    server = socket.socket(family, socket.SOCK_STREAM)
    server.bind((LOOPBACK[family], 0))
    server.listen(backlog)
    return server


def succeed(family: int) -> None:
    with listener(family) as server:
        for _ in range(2):
            with socket.create_connection(server.getsockname()[:2]) as client:
                accepted, _ = server.accept()
                client.sendall(b"hello")
                accepted.recv(5)
                accepted.close()


def be_refused(family: int) -> None:
    with listener(family) as server:
        address = server.getsockname()
    with socket.socket(family, socket.SOCK_STREAM) as client:
        if client.connect_ex(address) == 0:
            raise RuntimeError(f"{address} was expected to refuse")


def checksum(data: bytes) -> int:
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def abort(family: int) -> None:
    """A SYN from no socket: the kernel answers the SYN/ACK with a reset."""
    with listener(family) as server, socket.socket(family, socket.SOCK_STREAM) as unused:
        unused.bind((LOOPBACK[family], 0))
        source_port = unused.getsockname()[1]
        unused.close()
        port = server.getsockname()[1]
        packed = socket.inet_pton(family, LOOPBACK[family])
        syn = struct.pack("!HHIIBBHHH", source_port, port, RAW_SYN_ISN, 0, 5 << 4, 0x02, 64240, 0, 0)
        if family == socket.AF_INET:
            pseudo = packed * 2 + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(syn))
        else:
            pseudo = packed * 2 + struct.pack("!II", len(syn), socket.IPPROTO_TCP)
        syn = syn[:16] + struct.pack("!H", checksum(pseudo + syn)) + syn[18:]
        with socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_TCP) as raw:
            raw.sendto(syn, (LOOPBACK[family], 0))
        time.sleep(0.2)


def connect_unanswered(family: int) -> None:
    """The listener's queue is full, so that the last SYN is dropped."""
    with listener(family, backlog=0) as server:
        waiting = []
        for _ in range(2):
            client = socket.socket(family, socket.SOCK_STREAM)
            client.setblocking(False)
            client.connect_ex(server.getsockname())
            waiting.append(client)
            time.sleep(0.1)
        time.sleep(0.3)
        for client in waiting:
            client.close()


def start(tcpeek: str) -> subprocess.Popen:
    command = [tcpeek, "-i", "lo", "-t", str(TIMEOUT_SECONDS), "-U", "none"]
    say("running " + " ".join(command))
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    return process


def relay(process: subprocess.Popen, listening: threading.Event) -> None:
    """Shows what tcpeek writes, and notes when it has begun to listen."""
    for line in process.stderr:
        sys.stderr.buffer.write(line)
        sys.stderr.flush()
        if line.startswith(b"listening on"):
            listening.set()
    listening.set()


def enter_own_namespace() -> int:
    """Starts again in namespaces of its own, where an ordinary user is root."""
    try:
        allowed = subprocess.run([*OWN_NAMESPACE, "true"], capture_output=True, text=True, check=False)
        why = allowed.stderr.strip() or f"unshare ended with {allowed.returncode}"
    except FileNotFoundError:
        allowed, why = None, "unshare is missing (package util-linux)"
    if allowed is None or allowed.returncode != 0:
        say("an ordinary user needs a user and network namespace to capture and to send a raw SYN, "
            f"and this machine does not allow it ({why}); run: sudo make run, or allow it: sudo "
            "sysctl kernel.unprivileged_userns_clone=1 (Debian), "
            "kernel.apparmor_restrict_unprivileged_userns=0 (Ubuntu)")
        return 1
    say("no root here: in a user and network namespace of its own")
    os.environ[IN_OWN_NAMESPACE] = "yes"
    command = [*OWN_NAMESPACE, sys.executable, *sys.argv]
    os.execvp(command[0], command)


def main() -> int:
    if len(sys.argv) != 2:
        print("usage: live.py TCPEEK", file=sys.stderr)
        return 2
    if IN_OWN_NAMESPACE in os.environ:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    elif os.geteuid() != 0:
        return enter_own_namespace()
    process = start(sys.argv[1])
    listening = threading.Event()
    reader = threading.Thread(target=relay, args=(process, listening))
    reader.start()
    listening.wait(timeout=10)
    time.sleep(0.2)
    scenes = (
        ("2 connections that succeed", succeed),
        ("1 connection that is refused", be_refused),
        ("1 raw SYN whose SYN/ACK the kernel resets", abort),
        ("2 connections to a listener with a full queue: 1 is not answered", connect_unanswered),
    )
    for family, name in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        for text, scene in scenes:
            say(f"{name}: {text}")
            scene(family)
    say(f"waiting {TIMEOUT_SECONDS} s for the unanswered ones to time out")
    time.sleep(TIMEOUT_SECONDS + 1)
    process.send_signal(signal.SIGINT)
    status = process.wait(timeout=10)
    reader.join()
    return status


if __name__ == "__main__":
    sys.exit(main())
