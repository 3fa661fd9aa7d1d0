"""The service as a process, and what its database has to be like whatever is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import aiohttp
from attrs import frozen
from portus_scan_server.store import sqlite_url


@frozen
class Serving:
    """A service that has said where it answers, or was not waited for."""

    process: asyncio.subprocess.Process
    url: str

    @property
    def runner(self) -> int | None:
        """The process of its runner; None where it has none now."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        children = path.read_text().split() if path.exists() else []
        return int(children[0]) if children else None

    async def get(self, path: str) -> tuple[int, dict[str, object]]:
        """Return the status and the body of an answer."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}{path}") as response:
            return response.status, await response.json()

    async def reasons(self) -> list[str]:
        """Return why it is not ready; empty where it is."""
        said = (await self.get("/readyz"))[1].get("reasons")
        return said if isinstance(said, list) else []

    async def text(self, path: str) -> str:
        """Return the body of an answer."""
        async with aiohttp.ClientSession() as http, http.get(f"{self.url}{path}") as response:
            assert response.status == 200
            return await response.text()

    async def until_ready(self) -> None:
        """Wait until it says that it is ready."""
        await self.until(200)

    async def until(self, status: int) -> None:
        """Wait until its readiness has this status."""
        while True:
            if (await self.get("/readyz"))[0] == status:
                return
            await asyncio.sleep(0.02)


def command(folder: Path, database: str, config: Path, *more: str) -> tuple[str, ...]:
    """Return the words that start the service on any port."""
    where = () if database == sqlite_url(folder / "portus-scan.db") else ("--database", database)
    options = ("--data", str(folder), "--config", str(config), "--listen", "127.0.0.1:0")
    return (sys.executable, "-m", "portus_scan", "serve", *options, *where, *more)


@asynccontextmanager
async def serving(
    folder: Path,
    database: str,
    config: Path,
    *,
    wait: bool = True,
    more: Sequence[str] = (),
    log: Path | None = None,
    changed: str = "",
) -> AsyncIterator[Serving]:
    """Run the service as long as the block does; it is killed at the end if it still runs, and its runner ends with it.

    Args:
        folder: Its data folder.
        database: The database's address.
        config: Its configuration.
        wait: Whether to wait until it has said where it answers.
        more: Further options; they go before others of the same name.
        log: The file of its log; in its data folder when left out.
        changed: Python code that changes the program before it starts.
    """
    words = command(folder, database, config, *more)
    if changed:
        words = (sys.executable, "-c", f"{changed}\nfrom portus_scan.__main__ import main\nmain()", *words[3:])
    with (log or folder / "log").open("ab") as written:
        process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE, stderr=written)
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode() if wait else ""
        assert not wait or line.startswith("portus-scan serves on "), (log or folder / "log").read_text()
        yield Serving(process, line.rpartition(" ")[2].strip())
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def gone(pid: int) -> None:
    """Wait until a process is gone."""
    with suppress(ProcessLookupError, FileNotFoundError):
        while True:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return  # nobody reaps it here
            await asyncio.sleep(0.02)


def kill(pid: int) -> None:
    """Kill a process, unless it is gone."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
