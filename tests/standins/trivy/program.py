"""The program of the test wheel, and a Trivy server of it."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from ..ports import free_port
from ..programs import end

REQUIRE = "PORTUS_REQUIRE_TRIVY"
"""The environment variable that makes a missing program a failure: ``1``."""
_START_TIMEOUT = 20.0
_POLL = 0.02


def find_trivy() -> Path | None:
    """Return the program of ``tests/requirements-trivy.txt``; None where the wheel has no binary for this machine."""
    program = Path(sys.executable).with_name("trivy")
    return program if program.exists() else None


@pytest.fixture(scope="session")
def real_trivy() -> Path:
    """The program; the test is skipped where it is not installed, or fails where it has to be."""
    return need_trivy()


def need_trivy() -> Path:
    """Return the program, or skip or fail the test that is running."""
    program = find_trivy()
    if program is None and os.environ.get(REQUIRE) == "1":
        pytest.fail(f"{REQUIRE}=1, and there is no trivy beside {sys.executable}")
    if program is None:
        pytest.skip("there is no trivy for this machine")
    return program


class TrivyServer:
    """A running Trivy server.

    Args:
        program: The program.
        cache: Has the database.
        token: What its clients have to send.
    """

    def __init__(self, program: Path, cache: Path, *, token: str) -> None:
        self._command = (str(program), "server", "--cache-dir", str(cache), "--skip-db-update", "--token", token)
        self._stack = AsyncExitStack()
        self._port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        self._port = free_port()
        address = ("--listen", f"127.0.0.1:{self._port}")
        devnull = asyncio.subprocess.DEVNULL
        process = await asyncio.create_subprocess_exec(*self._command, *address, stdout=devnull, stderr=devnull)
        self._stack.push_async_callback(end, process)
        await self._wait_for(process)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _wait_for(self, process: asyncio.subprocess.Process) -> None:
        async with asyncio.timeout(_START_TIMEOUT):
            while process.returncode is None:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                except OSError:
                    await asyncio.sleep(_POLL)
                    continue
                writer.close()
                await writer.wait_closed()
                return
        pytest.fail("the Trivy server does not start")
