"""The scanner, which does what the script says, and scans nothing."""

from __future__ import annotations

import asyncio
from asyncio import sleep
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import NoReturn, cast

from portus_scanners import (
    Health,
    Image,
    InvalidReportError,
    Scanner,
    ScannerContext,
    ScannerError,
    ScannerReport,
    ScannerUnavailableError,
    UnsupportedImageError,
)

from .findings import make_empty_report, make_report
from .settings import DummySettings, Step

_ERRORS: dict[str, Callable[[str], BaseException]] = {
    "unsupported": UnsupportedImageError,
    "unavailable": ScannerUnavailableError,
    "failed": ScannerError,
    "invalid": lambda message: InvalidReportError(message, faults=("$.dummy: scripted to be invalid",)),
    "crash": RuntimeError,
    "exit": SystemExit,
}
_POLL = 1.0


class DummyScanner(Scanner[DummySettings], contract=1):
    """Plays back the script of its settings."""

    def __init__(self, settings: DummySettings, context: ScannerContext) -> None:
        super().__init__(settings, context)
        self._refused: set[str] = set()
        self._endless: dict[str, Callable[[], Awaitable[NoReturn]]] = {
            "pending": self._pend,
            "hang": _hang,
            "stubborn": _hang_stubbornly,
        }

    async def scan(self, image: Image) -> ScannerReport:
        """Do what the first entry of the script that matches the image says.

        Returns:
            The scripted report; with the behaviour ``nothing``, None, against the contract.

        Raises:
            ScannerError: One of the contract's errors, if the script says so.
            RuntimeError: The behaviour is ``crash``.
            SystemExit: The behaviour is ``exit``.
        """
        step = self.settings.step_for(image.reference)
        await self._delay(step)
        if step.keep:
            self.context.keep(await _build(step, complete=False))
        if step.behaviour in self._endless:
            await self._endless[step.behaviour]()
        self._raise_scripted(step, image)
        return await _report(step)

    async def check_health(self) -> Health:
        """Return that the dummy is healthy: it has no backend that could fail."""
        return Health(healthy=True, message="the dummy has no backend: its findings are scripted")

    async def _delay(self, step: Step) -> None:
        if not step.steps:
            await sleep(step.delay)
        for done in range(1, step.steps + 1):
            await sleep(step.delay / step.steps)
            self.context.progress(done, step.steps, "step")

    async def _pend(self) -> NoReturn:
        while True:
            await self.context.wait(_POLL)

    def _raise_scripted(self, step: Step, image: Image) -> None:
        message = step.message or f"dummy: scripted to end as {step.behaviour!r}"
        if step.behaviour == "unavailable_once":
            self._refuse_once(image, message)
        elif step.behaviour in _ERRORS:
            raise _ERRORS[step.behaviour](message)

    def _refuse_once(self, image: Image, message: str) -> None:
        """Raise an error at the first scan of each image by this object."""
        key = f"{image.reference}@{image.digest}"
        if key not in self._refused:
            self._refused.add(key)
            raise ScannerUnavailableError(message)


async def _report(step: Step) -> ScannerReport:
    match step.behaviour:
        case "empty":
            return make_empty_report(step)
        case "nothing":
            return cast("ScannerReport", None)
        case behaviour:
            return await _build(step, complete=behaviour != "incomplete")


async def _build(step: Step, *, complete: bool) -> ScannerReport:
    """Return the report; make a large one in a thread, as a million findings would block the event loop for seconds."""
    if step.count:
        return await asyncio.to_thread(make_report, step, complete=complete)
    return make_report(step, complete=complete)


async def _hang() -> NoReturn:
    while True:
        await asyncio.Event().wait()


async def _hang_stubbornly() -> NoReturn:
    with suppress(asyncio.CancelledError):
        await _hang()
    await _hang()
