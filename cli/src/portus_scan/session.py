"""An engine that a user can stop: the signals, what they end, and how the program leaves when something will not stop.

The sub-commands `image` and `registry` each run one `Session`: they differ in what is scanned and in what becomes of
the results. `health` and `doctor` keep nothing of what was begun, so the first signal leaves at once (`run_checks`).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import chain, repeat
from types import FrameType
from typing import Any, NoReturn, Protocol, TypeVar

from portus_images import Registry, class_name, log_crash
from portus_scanners import Engine, ScannerHealth, Settings

from .exits import ExitCode, report
from .terminal import foreign_prints_to_stderr

ResultT = TypeVar("ResultT")
GRACE = 1.0
"""Seconds that a scanner has to end when it was stopped or its time is up."""
LAST_WAIT = 1.6
"""Seconds after the first signal until nothing is waited for any longer, neither a scanner's start nor its close. The
whole command has two."""
_LOGGER = logging.getLogger("portus_scan")


class Display(Protocol):
    """Where a session shows how far it is."""

    def start(self) -> None:
        """Begin to show."""

    def say(self, line: str) -> None:
        """Write one line that stays."""

    def stop(self) -> None:
        """Take everything away that does not stay."""

    def abandon(self) -> None:
        """Leave the terminal usable, while other threads may be blocked: no locks."""


class Session:
    """One engine, from its start to its close, and what may end it early.

    The first Ctrl-C, SIGTERM or SIGHUP ends the scans, and what was found is kept; the second leaves at once.

    Args:
        engine: Not open yet; made with `GRACE`.
        display: Sees what goes on.
        stopping: What the user is told after the first signal.
        registry: A registry client to close after the engine.

    Attributes:
        interrupted: Whether there was a first signal.
    """

    def __init__(self, engine: Engine, display: Display, *, stopping: str, registry: Registry | None = None) -> None:
        self.engine = engine
        self.interrupted = False
        self._display = display
        self._stopping = stopping
        self._registry = registry
        self._stops: set[Callable[[], object]] = set()
        self._late = asyncio.Event()

    def run(
        self, work: Callable[[], Coroutine[Any, Any, ResultT]], conclude: Callable[[ResultT], ExitCode]
    ) -> ExitCode:
        """Do the work with the engine open, hand over what it returns, and close everything.

        This method does not return when something is left behind that would keep the interpreter from ending.

        Args:
            work: Run even when the engine could not be opened before an interruption.
            conclude: Writes what is to be written and returns the exit code. The display is stopped before it, and the
                engine closed after it: a scanner that hangs while it is closed can't take the answer away.

        Returns:
            What *conclude* returned; `INTERRUPTED` after a signal.

        Raises:
            SettingsError: The configuration of an enabled scanner is wrong; nothing was scanned.
        """
        with EventLoop() as loop:
            with stop_on_signals(loop.runner.get_loop(), self._interrupt, self._abandon):
                try:
                    loop.code = conclude(self._show(loop.runner, work))
                finally:
                    with foreign_prints_to_stderr():
                        run_to_end(loop.runner, self._close())
            if self.interrupted:
                loop.code = ExitCode.INTERRUPTED
            if self.interrupted or self.engine.abandoned:
                leave_at_once(loop.code)
        return loop.code

    @contextmanager
    def stopped_by(self, stop: Callable[[], object]) -> Iterator[None]:
        """While inside, an interruption calls *stop*, in the event loop; one that has been calls it at once."""
        self._stops.add(stop)
        if self.interrupted:
            stop()
        try:
            yield
        finally:
            self._stops.discard(stop)

    def _show(self, runner: asyncio.Runner, work: Callable[[], Coroutine[Any, Any, ResultT]]) -> ResultT:
        self._display.start()
        try:
            with foreign_prints_to_stderr():
                run_to_end(runner, self._open())
                return run_to_end(runner, work())
        finally:
            self._display.stop()

    async def _open(self) -> None:
        opening = asyncio.create_task(self.engine.__aenter__())
        with self.stopped_by(opening.cancel):
            await self._wait_for(opening)

    async def _close(self) -> None:
        try:
            await self._wait_for(asyncio.create_task(self.engine.aclose()))
        finally:
            if self._registry is not None:
                await self._wait_for(asyncio.create_task(self._registry.aclose()))

    async def _wait_for(self, task: asyncio.Task[Any]) -> None:
        """Wait for a task, raise what it raises; after an interruption leave it behind when there is no time left."""
        late = asyncio.create_task(self._late.wait())
        await asyncio.wait({task, late}, return_when=asyncio.FIRST_COMPLETED)
        late.cancel()
        if task.done() and not task.cancelled():
            task.result()

    def _interrupt(self) -> None:
        self.interrupted = True
        self._display.say(self._stopping)
        asyncio.get_running_loop().call_later(LAST_WAIT, self._late.set)
        for stop in tuple(self._stops):
            stop()

    def _abandon(self) -> None:
        """Leave at once, whatever the other threads do."""
        self._display.abandon()
        abandon_all()


class EventLoop:
    """An event loop that is closed in a second, whatever plugins have left behind in it.

    A task may swallow its cancellation, a thread may block: after `GRACE` the program leaves without them.

    Attributes:
        runner: Its runner.
        code: What the program leaves with then.
    """

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.code = ExitCode.CRASHED

    def __enter__(self) -> EventLoop:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _at: object) -> None:
        timer = threading.Timer(GRACE, self._leave, [error])
        timer.daemon = True
        timer.start()
        try:
            self.runner.close()
        except (SystemExit, KeyboardInterrupt) as raised:  # a task's answer to its cancellation
            _log_exit(raised)
        finally:
            timer.cancel()

    def _leave(self, error: BaseException | None) -> None:
        leave_at_once(self.code if error is None else report(error))


def run_checks(work: Coroutine[Any, Any, tuple[ResultT, bool]], conclude: Callable[[ResultT], ExitCode]) -> ExitCode:
    """Run checks that are worth nothing before they have ended: the first Ctrl-C, SIGTERM or SIGHUP leaves at once.

    This function does not return when something is left behind that would keep the interpreter from ending.

    Args:
        work: Returns what was found, and whether something is left behind that would not end.
        conclude: Writes what was found and returns the exit code for it.
    """

    def leave() -> None:
        leave_at_once(ExitCode.INTERRUPTED)

    with EventLoop() as loop:
        with stop_on_signals(loop.runner.get_loop(), leave, abandon_all), foreign_prints_to_stderr():
            found, abandoned = run_to_end(loop.runner, work)
        loop.code = conclude(found)
        if abandoned:
            leave_at_once(loop.code)
    return loop.code


async def check_health(settings: Settings, timeout: float) -> tuple[tuple[ScannerHealth, ...], bool]:
    """Ask all enabled scanners at once, in an engine of their own.

    Args:
        settings: The configuration.
        timeout: Seconds for each.

    Returns:
        Their answers in the order of the configuration, and whether something is left behind that would not end.

    Raises:
        SettingsError: The configuration of an enabled scanner is wrong.
    """
    async with Engine(settings, grace=GRACE) as engine:
        found = await engine.check_health(timeout)
    return found, bool(engine.abandoned)


@contextmanager
def stop_on_signals(
    loop: asyncio.AbstractEventLoop, first: Callable[[], None], second: Callable[[], None]
) -> Iterator[None]:
    """While inside, the first Ctrl-C, SIGTERM or SIGHUP calls *first* in the event loop, the next one *second* at once.

    A thread reads what the operating system's handler writes, and calls *second* itself. Handlers of the event loop or
    of the interpreter run in the main thread, and a plugin that blocks it would take Ctrl-C away. A main thread that is
    not blocked stands still while *second* leaves: it would print an answer out of what was just killed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread may; a program that runs the command in another one has handlers of its own
        return
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signals = _ending_signals()
    begin = partial(loop.call_soon_threadsafe, first)
    watching = (reader, signals, begin, second)
    watcher = threading.Thread(target=_watch, args=watching, name="portus-scan-signals", daemon=True)
    handled: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        handled.append(number)
        if len(handled) > 1:
            watcher.join()

    before = {number: signal.signal(number, handle) for number in signals}
    woken_before = signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    watcher.start()
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken_before)  # after our handlers are gone: they wait for the thread
        writer.close()
        watcher.join()
        reader.close()


def _watch(
    reader: socket.socket, signals: Collection[int], first: Callable[[], object], second: Callable[[], None]
) -> None:
    """Call *first* for the first of these signals whose number is read, and *second* for each further one."""
    calls = chain([first], repeat(second))
    while numbers := reader.recv(1024):
        for _ in filter(signals.__contains__, numbers):
            next(calls)()


def _ending_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that end the program: SIGHUP where there is one, and not under ``nohup``, which ignores it."""
    if sys.platform == "win32" or signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        return signal.SIGINT, signal.SIGTERM
    return signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def run_to_end(runner: asyncio.Runner, work: Coroutine[Any, Any, ResultT]) -> ResultT:
    """Run a coroutine to its end, and return what it returns.

    A task or a callback that a plugin has made and that calls ``sys.exit``, or stops the loop, ends nothing: asyncio
    lets the exception through to here, and the loop goes on.
    """
    loop = runner.get_loop()
    task = loop.create_task(work)
    while not task.done():
        try:
            loop.run_until_complete(task)
        except (SystemExit, KeyboardInterrupt) as error:  # a real Ctrl-C has a handler of its own
            _log_exit(error)
        except RuntimeError:  # the work's own, or: the event loop was stopped
            if not task.done():
                _LOGGER.error("a plugin stopped the event loop")  # noqa: TRY400 (it says no more)
    return task.result()


def _log_exit(error: BaseException) -> None:
    log_crash(_LOGGER, f"a plugin raised {class_name(error)} in a task of its own", error)


def leave_at_once(code: int) -> NoReturn:
    """Leave without waiting for tasks and threads that do not end; programs of scanners are killed."""
    _kill_programs()  # first: the streams may be pipes that nobody reads
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, RuntimeError, AttributeError):
            stream.flush()
    os._exit(code)


def abandon_all() -> NoReturn:
    """Leave without flushing the streams either: another thread may be blocked with their locks held."""
    _kill_programs()
    os._exit(ExitCode.INTERRUPTED)


def _kill_programs() -> None:
    """Kill the programs of scanners; where the module that starts them is not loaded (to its end), there are none."""
    kill: Callable[[], None] | None = getattr(
        sys.modules.get("portus_scanners.backends.program"), "kill_programs", None
    )
    if kill is not None:
        kill()
