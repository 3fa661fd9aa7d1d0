"""Ports for programs that can't be told to take any (port 0), or that are to come back where they were."""

from __future__ import annotations

import random
import socket
from contextlib import suppress
from pathlib import Path

_FIRST = 10_000
_GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on.

    It is below those that the system gives to connections: another test's connection could have one of these before the
    program does, or while the program is started again.
    """
    end = int(_GIVEN.read_text().split()[0]) if _GIVEN.exists() else 32_768
    while True:
        port = random.SystemRandom().randrange(_FIRST, max(end, 2 * _FIRST))  # the same in no two processes
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
