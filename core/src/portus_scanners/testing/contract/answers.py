"""A stand-in's answers, made wrong in one way after the other."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..servers.faults import Fault, Rewritten
from ..servers.loopback import LoopbackServer
from .mutations import Path, paths_of, replaced, value_at

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


def paths_in_answers(backend: LoopbackServer, scan: Callable[[], object]) -> list[Path]:
    """Return the path of every value in the JSON answers that one scan gets, each once."""
    found: dict[Path, None] = {}

    def look(value: Any) -> Any:
        found.update(dict.fromkeys(paths_of(value)))
        return value

    backend.faults.add("*", Rewritten(on_json(look)))
    scan()
    backend.faults.clear()
    return list(found)


def on_json(change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return a function that changes a JSON body, and leaves every other body as it is."""

    def rewrite(body: bytes) -> bytes:
        try:
            value = json.loads(body)
        except ValueError:
            return body
        return json.dumps(change(value)).encode()

    return rewrite


def with_change(document: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """Return the document with ``change(value)`` at a path; as it is where it has no such path."""
    try:
        value = value_at(document, path)
    except (KeyError, IndexError, TypeError):
        return document
    return replaced(document, path, change(value))


@contextmanager
def refused() -> Iterator[str]:
    """Yield a base URL at which connections are refused: the port is taken, and nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"
