"""One run of a program, from its start until nothing of it is left."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen
from portus_images import one_line

from ...errors import InvalidReportError, ScannerError, ScannerUnavailableError
from ..secret_mask import SecretMask
from .cancellation import HeldCancellation
from .command import start_error
from .output import ProgramAnswer, ProgramOutput
from .process import ProgramProcess


@frozen(kw_only=True)
class ProgramOrder:
    """What to run, and how."""

    program: str
    """As the settings name it, for messages."""
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str]
    stdin: bytes
    mask: SecretMask
    max_output: int
    grace: float
    timeout: float | None
    on_line: Callable[[str], None] | None


class ProgramRun:
    """One run of a program. `execute` is called once; `stop` may be called at any time.

    Args:
        order: What to run.
        logger: Gets a warning when processes could not be ended.
    """

    def __init__(self, order: ProgramOrder, logger: logging.Logger) -> None:
        self._order = order
        self._logger = logger
        self._output = ProgramOutput(max_output=order.max_output, mask=order.mask, lines=order.on_line is not None)
        self._news = asyncio.Event()
        self._process = ProgramProcess(self._output, self._news.set, grace=order.grace)
        self._fault: ScannerError | None = None
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done when nothing of the program is left."""

    def stop(self, fault: ScannerError) -> None:
        """End the program; `execute` then raises *fault*, or that of an earlier call."""
        self._fault = self._fault or fault
        self._news.set()

    async def execute(self) -> ProgramAnswer:
        """Run the program to its end.

        Raises:
            ScannerUnavailableError: It can't be started, or did not end in time.
            InvalidReportError: Its stdout is too long.
            ScannerError: It was stopped.
        """
        try:
            await self._start()
            await self._follow()
        finally:
            await self._end()
        self._output.finish()
        self._pass_lines_on()
        return self._answer()

    async def _start(self) -> None:
        order = self._order
        try:
            await self._process.start(
                order.command, folder=order.folder, environment=order.environment, stdin=order.stdin
            )
        except OSError as error:
            raise start_error(order.program, error) from error

    async def _follow(self) -> None:
        """Pass lines on until the program has ended or must be ended."""
        alarm = None
        if self._order.timeout is not None:
            late = ScannerUnavailableError(f"{self._name} did not end within {self._order.timeout:g} s")
            alarm = asyncio.get_running_loop().call_later(self._order.timeout, self.stop, late)
        try:
            while not (self._process.exited or self._fault or self._output.overflowed):
                await self._news.wait()
                self._news.clear()
                self._pass_lines_on()
        finally:
            if alarm is not None:
                alarm.cancel()

    async def _end(self) -> None:
        try:
            with HeldCancellation() as held:
                if not await self._process.end(held):
                    self._logger.warning("%s: not all of its processes could be ended", self._name)
        finally:
            self.ended.set_result(None)

    def _answer(self) -> ProgramAnswer:
        if self._output.overflowed:
            raise InvalidReportError(f"{self._name} wrote more than {self._order.max_output} bytes to stdout")
        if self._fault is not None:
            raise self._fault
        status = self._process.status
        assert status is not None  # noqa: S101 (without a fault it has ended by itself)
        return ProgramAnswer(
            status=status, stdout=self._output.stdout, stderr=self._output.stderr, mask=self._order.mask
        )

    def _pass_lines_on(self) -> None:
        if self._order.on_line is not None:
            for line in self._output.take_lines():
                self._order.on_line(line)

    @property
    def _name(self) -> str:
        return one_line(Path(self._order.program).name)
