"""Ports of this machine: whether one is free, who holds it, and a free one for tests. Loopback only."""

from __future__ import annotations

import random
import socket

import psutil

from schemas.errors import PortTaken

LOOPBACK = "127.0.0.1"
_TRIES = 200


def require_free(port: int, setting: str, host: str = LOOPBACK) -> None:
    """Raises PortTaken, naming the setting that moves the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            who = holder(port)
            detail = f"Port {port} cannot be listened on{f' ({who} holds it)' if who else ''}: {error.strerror}."
            raise PortTaken(detail, remedy=f"Stop the other program, or set {setting} to another port.") from error


def is_open(port: int, host: str = LOOPBACK) -> bool:
    """Whether something accepts connections there."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((host, port)) == 0


def holder(port: int) -> str:
    """The program that listens there, as far as this user may see it; empty if not."""
    try:
        pids = [c.pid for c in psutil.net_connections("tcp") if c.status == psutil.CONN_LISTEN and c.laddr.port == port and c.pid]
        return f"{psutil.Process(pids[0]).name()}, pid {pids[0]}" if pids else ""
    except psutil.Error:
        return ""


def free_block(count: int) -> int:
    """First of `count` free ports in a row, below the range that the kernel hands out to clients; at random, as others look too."""
    for _ in range(_TRIES):
        first = random.randrange(20_000, 32_000 - count)
        if all(_bindable(first + i) for i in range(count)):
            return first
    raise PortTaken(f"No {count} free ports in a row were found.")


def _bindable(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
