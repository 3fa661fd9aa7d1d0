"""The process around a scanner: its environment, and what belongs to the process rather than to one scan.

Imported by the process that a plugin is imported in for a test: nothing here imports pytest.
"""

from __future__ import annotations

import asyncio
import gc
import linecache
import locale
import logging
import os
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

_READERS = {"os", "_collections_abc", "collections.abc", __name__}
"""Modules whose functions read the environment for their callers."""
_METHODS = ("__getitem__", "__iter__", "__setitem__", "__delitem__")
_SIGNALS = sorted(signal.valid_signals())
_OURS = ("portus_scanners", "portus_images", "portus_scanners_testing", "builtins", "abc", "typing")


def packages_of(*classes: type) -> frozenset[str]:
    """Return the top-level packages of the classes and their bases, without the core's and the library's."""
    return frozenset(
        name for each in classes for one in each.__mro__ if (name := one.__module__.partition(".")[0]) not in _OURS
    )


def place_in(packages: Collection[str], frame: FrameType | None) -> str:
    """Return file, line and source of a frame if its module is in one of the packages, else an empty string."""
    if frame is None or str(frame.f_globals.get("__name__")).partition(".")[0] not in packages:
        return ""
    name, line = frame.f_code.co_filename, frame.f_lineno
    return f"{Path(name).name}:{line}: {linecache.getline(name, line).strip()}"


@contextmanager
def watched_environment(packages: Collection[str]) -> Iterator[list[str]]:
    """Collect where the code of some packages reads or writes the environment, and which variables have changed."""
    kind: Any = type(os.environ)
    before, found = dict(os.environ), list[str]()

    def watching(method: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*args: Any) -> Any:
            if place := place_in(packages, _reader(sys._getframe(1))):
                found.append(place)
            return method(*args)

        return watched

    kept = {name: getattr(kind, name) for name in _METHODS}
    for name, method in kept.items():
        setattr(kind, name, watching(method))
    try:
        yield found
    finally:
        for name, method in kept.items():
            setattr(kind, name, method)
        found[:] = dict.fromkeys(found)
        after = dict(os.environ)
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        found += [f"{name} was changed" for name in names]


@contextmanager
def watched_sleeps(packages: Collection[str], most: int, too_many: type[Exception]) -> Iterator[list[str]]:
    """Collect where the code of some packages calls `asyncio.sleep`, which then takes no time.

    Args:
        packages: The packages.
        most: How often it may be called.
        too_many: What a further call raises.
    """
    sleep, found = asyncio.sleep, list[str]()

    def watched(delay: float, result: Any = None) -> Awaitable[Any]:
        if place := place_in(packages, sys._getframe(1)):
            found.append(f"asyncio.sleep({delay:g}) at {place}")
            if len(found) > most:
                raise too_many(f"slept {most} times")
            delay = 0
        return sleep(delay, result)

    setattr(asyncio, "sleep", watched)  # noqa: B010 (an overloaded function)
    try:
        yield found
    finally:
        setattr(asyncio, "sleep", sleep)  # noqa: B010


def process_state() -> Mapping[str, str]:
    """Return what a scan must leave as it was, by what it is called."""
    root = logging.getLogger()
    return {
        "umask": f"{_umask():03o}",
        "working folder": _folder(),
        **{f"handler of {one.name}": repr(signal.getsignal(one)) for one in _SIGNALS
           if isinstance(one, signal.Signals)},
        "default timeout of sockets": repr(socket.getdefaulttimeout()),
        "locale": locale.setlocale(locale.LC_ALL),
        "level of the root logger": f"{root.level}, disabled up to {root.manager.disable}",
        "handlers of the root logger": repr(root.handlers),
        "filters of warnings": repr(len(warnings.filters)),
        "sys.path": repr(sys.path),
        "hooks": repr((sys.excepthook, threading.excepthook, sys.gettrace())),
        "recursion limit": repr(sys.getrecursionlimit()),
        "collection of garbage": repr(gc.isenabled()),
        "limits": repr(_limits()),
    }  # fmt: skip


@contextmanager
def kept_state() -> Iterator[None]:
    """Put umask, working folder, environment, signal handlers and the like back when the block ends."""
    mask, folder, environment, level = _umask(), _folder(), dict(os.environ), logging.getLogger().level
    handlers, timeout = {one: signal.getsignal(one) for one in _SIGNALS}, socket.getdefaulttimeout()
    try:
        yield
    finally:
        os.umask(mask)
        if folder and folder != _folder():
            os.chdir(folder)
        if environment != dict(os.environ):
            os.environ.clear()
            os.environ.update(environment)
        logging.getLogger().setLevel(level)
        socket.setdefaulttimeout(timeout)
        for number, handler in handlers.items():
            if signal.getsignal(number) is not handler:
                signal.signal(number, handler)


def _reader(frame: FrameType | None) -> FrameType | None:
    """Return the frame that asks for the environment, by whichever function of the standard library."""
    while frame is not None and (
        frame.f_globals.get("__name__") in _READERS or frame.f_code.co_name in {"expandvars", "expandvarsb"}
    ):
        frame = frame.f_back
    return frame


def _umask() -> int:
    mask = os.umask(0o077)  # there is no way to read it without setting it
    os.umask(mask)
    return mask


def _folder() -> str:
    try:
        return str(Path.cwd())
    except OSError:
        return ""


def _limits() -> list[tuple[int, int]]:
    try:
        import resource
    except ImportError:
        return []
    return [resource.getrlimit(getattr(resource, name)) for name in sorted(dir(resource)) if name.startswith("RLIMIT_")]
