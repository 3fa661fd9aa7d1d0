"""A stand-in's answers made wrong, one after the other; an address where nobody listens."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ..servers.faults import Fault
from ..servers.loopback import LoopbackServer

_MOST_REQUESTS = 8
"""Requests of one scan that are each answered wrongly in turn."""


def at_each_request(backend: LoopbackServer, fault: Fault, scan: Callable[[int], object]) -> Iterator[object]:
    """Yield what ``scan(number)`` gives when the fault is shown from request 0 on, then from request 1 on, and so on.

    Ends when a scan does not come as far, or after eight requests.
    """
    for number in range(_MOST_REQUESTS):
        backend.faults.clear()
        rule = backend.faults.add("*", fault, skip=number)
        outcome = scan(number)
        if not rule.shown:
            return
        yield outcome


@contextmanager
def refused() -> Iterator[str]:
    """Yield a base URL at which connections are refused: the port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
