"""A process that makes large reports, one after the other, so that no answer of another page waits for one.

Jobs go to its stdin and results come from its stdout; `report_child.py` does them.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

from attrs import frozen

from ..pipes import framed, receive
from .report_work import ReportOrder, VulnerabilityChoice

logger = logging.getLogger("portus_scan_server.reports")

_MOST_WAITING = 16
"""How many reports wait for the process before one is refused."""
_LONGEST = 50.0
"""Seconds that a report may take; a process that needs longer is replaced."""


class ReportsBusyError(Exception):
    """Too many large reports are being made."""


@frozen
class LargeReport:
    """What the process is told.

    Attributes:
        order: Which report.
        key: Changes whenever the report does.
        wanted: A page of its vulnerabilities, or the name of a format for all of it.
    """

    order: ReportOrder
    key: str
    wanted: VulnerabilityChoice | str


class ReportProcess:
    """The process, started when it is needed first.

    Args:
        address: The database's address.
        log: How its log is written: ``text`` or ``json``.
    """

    def __init__(self, address: str, log: str = "text") -> None:
        self._address = address
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def close(self) -> None:
        """End the process."""
        process, self._process = self._process, None
        if process is not None and process.returncode is None:
            process.kill()
            await process.wait()

    async def make(self, job: LargeReport) -> Any:
        """Return what is wanted of a report; see `Reports.render` and `Reports.choose`."""
        if self._waiting >= _MOST_WAITING:
            raise ReportsBusyError("too many large reports are being made: try again later")
        self._waiting += 1
        try:
            async with self._turn:
                result = await self._exchange(job)
        finally:
            self._waiting -= 1
        if isinstance(result, Exception):
            raise result
        return result

    async def _exchange(self, job: LargeReport) -> Any:
        """Tell the process a job and return its result; without one in time it is ended, and another one started."""
        try:
            async with asyncio.timeout(_LONGEST):
                process = await self._started()
                assert process.stdin is not None  # noqa: S101 (for mypy)
                assert process.stdout is not None  # noqa: S101
                process.stdin.write(framed(job))
                await process.stdin.drain()
                return await receive(process.stdout)
        except TimeoutError:
            await self.close()
            raise ReportsBusyError(f"this report takes longer than {_LONGEST:g} s") from None
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await self.close()
            logger.exception("the process for large reports has died")
            raise ReportsBusyError("the process for large reports has died: try again") from error
        except asyncio.CancelledError:
            await self.close()  # its answer would be taken for that to the next job
            raise

    async def _started(self) -> asyncio.subprocess.Process:
        process = self._process
        if process is None or process.returncode is not None:
            pipe = asyncio.subprocess.PIPE
            command = sys.executable, "-m", f"{__package__}.report_child"
            self._process = process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
            assert process.stdin is not None  # noqa: S101
            process.stdin.write(framed((self._address, self._log)))
        return process
