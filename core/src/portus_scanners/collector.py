"""Python's cyclic garbage collector, held back while many objects are made that all stay."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from threading import Lock
from typing import ParamSpec, TypeVar

ArgumentsT = ParamSpec("ArgumentsT")
ResultT = TypeVar("ResultT")


LONGEST = 10.0
"""Seconds after which nobody joins those who hold it back: answers that are read all the time, one overlapping the
next, would else keep it off for as long as the program runs."""


class _Hold:
    """Counts who holds the collector back: several answers can be read at the same time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._holders = 0
        self._was_enabled = False
        self._since = 0.0

    def take(self) -> bool:
        """Hold it back; return whether that was done, and `release` is to be called."""
        with self._lock:
            now = time.monotonic()
            if self._holders == 0:
                self._was_enabled, self._since = gc.isenabled(), now
                gc.disable()
            elif now - self._since > LONGEST:
                return False
            self._holders += 1
            return True

    def release(self) -> None:
        """Hold it back no more."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._was_enabled:
                gc.enable()


_HOLD = _Hold()


def without_collector(
    function: Callable[ArgumentsT, ResultT], *args: ArgumentsT.args, **kwargs: ArgumentsT.kwargs
) -> ResultT:
    """Call a function while no cycles are looked for; a collector that the program has switched off stays off."""
    held = _HOLD.take()
    try:
        return function(*args, **kwargs)
    finally:
        if held:
            _HOLD.release()
