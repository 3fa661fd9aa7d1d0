"""Python's cyclic garbage collector, held back while many objects are made that all stay."""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import Lock
from typing import ParamSpec, TypeVar

ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")


class _Hold:
    """Counts who holds the collector back: several answers can be read at the same time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._was_enabled = False

    def take(self) -> None:
        with self._lock:
            if self._holders == 0:
                self._was_enabled = gc.isenabled()
                gc.disable()
            self._holders += 1

    def release(self) -> None:
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._was_enabled:
                gc.enable()


_HOLD = _Hold()


def without_collector(
    function: Callable[ArgumentsT, ResultT], *args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs
) -> ResultT:
    """Call a function while no cycles are looked for; a collector that the program has switched off stays off."""
    _HOLD.take()
    try:
        return function(*args, **kwargs)
    finally:
        _HOLD.release()
