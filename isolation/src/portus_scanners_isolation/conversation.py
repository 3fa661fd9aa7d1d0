"""What the engine hears from one process of a scanner, to its answer, and what it answers to its questions."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from portus_images import Image, PortusError, SettingsError, message_line, one_line
from portus_scanners import (
    Database,
    Finding,
    Health,
    InvalidReportError,
    ScannerContext,
    ScannerError,
    ScannerReport,
    ScannerSettings,
)
from portus_scanners.engine import MOST_FINDINGS, Raised, RunState

from .messages import PIECE, error_of, plain, read, refusal_of
from .nursery import ScannerProcess

_MOST_QUESTIONS = 32
"""Questions of one process that are open at once."""
_LARGEST_FETCH = 64 * 1024 * 1024
"""Bytes that are fetched for one of them."""
_MOST_FAULTS = 100
"""Lines that say what is wrong with its settings."""
_LONGEST_RECORD = 20_000
"""Characters of a record of the log."""


@define(eq=False)
class Conversation:
    """One process, from its job to its answer.

    Args:
        process: The process; it has ended when `hear` has.
        run: Told how far the process is.
        context: Answers questions about the image; None where there is none.
        image: The image.
        logger: Takes what the process logs.

    Attributes:
        holds: Whether the process has a request that must be finished.
    """

    _process: ScannerProcess
    _run: RunState
    _context: ScannerContext | None
    _image: Image | None
    _logger: logging.Logger
    holds: bool = field(default=False, init=False)
    _findings: list[Finding] = field(factory=list, init=False)
    _answering: set[asyncio.Task[None]] = field(factory=set, init=False)
    _fetching: asyncio.Lock = field(factory=asyncio.Lock, init=False)

    async def hear(self, job: Mapping[str, Any]) -> Any:
        """Give the process its job, and return its answer: a report, for one.

        Raises:
            ScannerError: What the scanner raised; or the process ended, or sent something else than an answer.
            SettingsError: It can't be configured like this.
        """
        channel, patience = self._process.channel, 0.0
        try:
            channel.send(job)
            while (message := await channel.receive()) is not None:
                if (answer := await self._take(message)) is not None:
                    patience = self._process.grace
                    return answer
            patience = self._process.grace
            raise ScannerError(await self._process.end(patience))
        finally:
            for task in self._answering:
                task.cancel()
            await self._process.end(patience)

    async def _take(self, message: list[Any]) -> Any:
        """Act on a message; return the answer if it is that."""
        match message:
            case ["findings", list() as values]:
                self._findings += read(values, tuple[Finding, ...])
                if len(self._findings) > MOST_FINDINGS:
                    raise InvalidReportError(f"the report can't be used: it has more than {MOST_FINDINGS:,} findings")
            case ["report", dict() as members]:
                return await self._report(members)
            case ["kept", dict() as members]:
                self._run.keep(await self._report(members))
            case ["health", dict() as health, database]:
                return read(health, Health), None if database is None else read(database, Database)
            case ["configured", None | str() as fault, str() as server, float() | int() as timeout, int() as number]:
                limits = {"server": server, "timeout": timeout, "concurrency": number}
                return fault and message_line(fault), read(limits, ScannerSettings)
            case ["raised", dict() as raised]:
                raise error_of(read(raised, Raised))
            case ["settings", list() as faults]:
                raise SettingsError(map(message_line, read(faults, tuple[str, ...])[:_MOST_FAULTS]))
            case _:
                self._note(message)
        return None

    def _note(self, message: list[Any]) -> None:
        """Act on a message that only tells something, or asks."""
        match message:
            case ["working"]:
                self._run.work()
            case ["holds", int() as number]:
                self.holds = number > 0
            case ["progress", int() as done, int() as total, str() as what] if self._context is not None:
                self._context.progress(done, total, what)
            case ["log", int() as level, str() as text]:
                lines = map(one_line, text[:_LONGEST_RECORD].splitlines())
                self._logger.log(level, "%s", "\n".join(lines))
            case ["ask", int() as number, str() as what, *arguments] if len(self._answering) < _MOST_QUESTIONS:
                answering = asyncio.create_task(self._answer(number, what, arguments))
                self._answering.add(answering)
                answering.add_done_callback(self._answering.discard)
            case _:
                raise InvalidReportError("its process sent a message of another form, or asked too much at once")

    async def _report(self, members: dict[str, Any]) -> ScannerReport:
        report = read(members, ScannerReport)
        findings, self._findings = self._findings, []
        if len(findings) <= PIECE:
            return evolve(report, findings=findings)
        return await asyncio.to_thread(evolve, report, findings=findings)  # they are put in order

    async def _answer(self, number: int, what: str, arguments: list[Any]) -> None:
        channel = self._process.channel
        async with self._fetching if what == "fetch" else nullcontext():  # one body at a time, until it is taken
            try:
                value = await self._find(what, arguments)
            except PortusError as error:
                channel.send("refused", number, refusal_of(error))
            except Exception as error:  # noqa: BLE001 (the boundary: whatever such arguments may lead to)
                said = f"this can't be answered ({type(error).__name__})"
                channel.send("refused", number, refusal_of(PortusError(said)))
            else:
                channel.send("answer", number, value)
            await channel.drain()

    async def _find(self, what: str, arguments: list[Any]) -> Any:
        """Return the answer to a question, all of which are about this image."""
        image, context = self._image, self._context
        assert image is not None and context is not None  # noqa: S101, PT018 (an error as any other)
        match what, arguments:
            case "blob", [int() as place, bool() as renew, bool() as from_here]:
                return plain(await context.blob(image, image.layers[place], renew=renew, from_here=from_here))
            case "copy_blob", [int() as place, str() as path]:
                return await context.copy_blob(image, image.layers[place], self._own(path))
            case "head_blob", [int() as place]:
                return plain(await context.head_blob(image, image.layers[place]))
            case "referrers", [str() as artifact_type]:
                return plain(await context.referrers(image, artifact_type))
            case "fetch", [str() as digest, int() as size]:
                body = await context.fetch(image, digest, max_size=min(size, _LARGEST_FETCH))
                return base64.b64encode(body).decode()
        raise ValueError(what)

    def _own(self, path: str) -> Path:
        """Return a path in the folder of the process: nowhere else is a file written for it."""
        place = Path(path)
        folder = place.parent.resolve()
        if place.name == ".." or not folder.is_relative_to(self._process.folder.resolve()):
            raise PortusError(f"a layer is written for a process to its own folder (TMPDIR), not to {one_line(path)}")
        return folder / place.name
