"""How the program is stopped, and how it leaves when something will not stop."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn, TypeVar

from portus_scanners.backends import kill_programs

from .exits import ExitCode

ResultT = TypeVar("ResultT")
GRACE = 2.0
"""Seconds that a scanner has to end when it was stopped or its time is up, and an engine to close after Ctrl-C."""
_LOGGER = logging.getLogger("portus_scan")


@contextmanager
def stop_on_signals(
    loop: asyncio.AbstractEventLoop, first: Callable[[], None], second: Callable[[], None]
) -> Iterator[None]:
    """While inside, the first Ctrl-C, SIGTERM or SIGHUP calls *first* in the event loop, the next one *second* at once.

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

    before = {number: signal.signal(number, handle) for number in _ending_signals()}
    try:
        with _woken_by_signals(loop):
            yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ending_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end the program: SIGHUP where there is one, and not under ``nohup``, which ignores it."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP


@contextmanager
def _woken_by_signals(loop: asyncio.AbstractEventLoop) -> Iterator[None]:
    """While inside, each signal wakes the event loop.

    The interpreter calls its handlers between two instructions. A signal that comes when the loop is just about to
    wait would else be handled only after the next event.
    """
    reader, writer = socket.socketpair()
    for end in (reader, writer):
        end.setblocking(False)
    loop.add_reader(reader, reader.recv, 1024)
    before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        loop.remove_reader(reader)
        reader.close()
        writer.close()


def run_to_end(runner: asyncio.Runner, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end, and return what it returns.

    A task or a callback that a plugin has made and that calls ``sys.exit`` ends nothing: asyncio lets the exception
    through to here, and the loop goes on.
    """
    loop = runner.get_loop()
    task = loop.create_task(work)
    while not task.done():
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:  # a real Ctrl-C has a handler of its own
            _LOGGER.exception("a plugin raised %s in a task of its own", type(error).__name__)
    return task.result()


def leave_at_once(code: int) -> NoReturn:
    """Leave without waiting for tasks and threads that do not end; programs of scanners are killed."""
    kill_programs()  # first: the streams may be pipes that nobody reads
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError, AttributeError):
            stream.flush()
    os._exit(code)


def interrupt() -> None:
    """Leave at once after a Ctrl-C, SIGTERM or SIGHUP."""
    leave_at_once(ExitCode.INTERRUPTED)
