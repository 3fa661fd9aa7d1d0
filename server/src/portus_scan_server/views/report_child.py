"""The process that makes large reports. Run as ``python -m`` by `ReportProcess`.

It ends when its stdin does, whatever it is doing: that is what the death of its parent looks like.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from queue import SimpleQueue
from typing import Any, BinaryIO

from portus_scanners import ReportDocument

from ..logs import begin_log
from ..pipes import framed, receive_blocking
from ..store import Store, StoreDamagedError, StoreUnavailableError
from .report_process import LargeReport
from .report_work import FormatError, ReadReport, choose, make_document, read_report, render


class _Worker:
    """What the process does; keeps the last report, of which several pages may be asked for."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last: tuple[str, ReadReport, ReportDocument] | None = None

    async def do(self, job: LargeReport) -> object:
        try:
            stored, document = await self._made(job)
            wanted = job.wanted
            return render(document, wanted) if isinstance(wanted, str) else choose(document, stored, wanted)
        except (FormatError, StoreUnavailableError, StoreDamagedError) as error:
            return type(error)(str(error))

    async def _made(self, job: LargeReport) -> tuple[ReadReport, ReportDocument]:
        if self._last is None or self._last[0] != job.key:
            self._last = None
            async with self._store.reading() as db:
                stored = await read_report(db, job.order, compare=True)
            self._last = job.key, stored, make_document(stored)
        return self._last[1:]


def _read(stream: BinaryIO) -> Any:
    try:
        return receive_blocking(stream)
    except EOFError:
        os._exit(0)  # whatever is being done: nobody waits for it


async def _work(address: str, jobs: SimpleQueue[LargeReport], stdout: BinaryIO) -> None:
    loop = asyncio.get_running_loop()
    async with Store.open(address) as store:
        worker = _Worker(store)
        while True:
            job = await loop.run_in_executor(None, jobs.get)
            stdout.write(framed(await worker.do(job)))
            stdout.flush()


def main() -> None:
    """Make reports until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends this
    stdin, stdout = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # a format that prints must not write into the answers
    address, log = _read(stdin)
    begin_log(log)
    jobs: SimpleQueue[LargeReport] = SimpleQueue()

    def listen() -> None:
        while True:
            jobs.put(_read(stdin))

    threading.Thread(target=listen, daemon=True).start()
    asyncio.run(_work(address, jobs, stdout))


if __name__ == "__main__":
    main()
