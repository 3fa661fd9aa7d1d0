"""How the program is stopped, and how it leaves when something will not stop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NoReturn


@contextmanager
def stop_on_signals(
    loop: asyncio.AbstractEventLoop, first: Callable[[], None], second: Callable[[], None]
) -> Iterator[None]:
    """While inside, the first Ctrl-C or SIGTERM calls *first* in the event loop, the next one *second* at once.

    These are handlers of the interpreter and not of the event loop: a plugin that blocks the loop must not be able to
    take Ctrl-C away.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may; whoever runs us elsewhere has handlers of his own
        return
    seen = 0

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal seen
        seen += 1
        if seen == 1:
            loop.call_soon_threadsafe(first)
        else:
            second()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def leave_at_once(code: int) -> NoReturn:
    """Leave without waiting for tasks and threads that do not end."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError, AttributeError):
            stream.flush()
    os._exit(code)
