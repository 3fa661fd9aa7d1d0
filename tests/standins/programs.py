"""Running programs: always with a deadline, and never left behind."""

from __future__ import annotations

import asyncio
import shutil

_GRACE = 5.0


class ProgramError(Exception):
    """A program that failed or did not end; the message has what it said."""


def missing(*names: str) -> list[str]:
    """Return those of the programs that are not installed."""
    return [name for name in names if shutil.which(name) is None]


async def run(*command: str, timeout: float = 30.0, feed: bytes = b"") -> bytes:
    """Run a program to its end and return its output.

    Args:
        command: The program and its arguments.
        timeout: Seconds.
        feed: What it reads.

    Raises:
        ProgramError: It failed, or the time was up.
    """
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        async with asyncio.timeout(timeout):
            output, complaints = await process.communicate(feed)
    except TimeoutError as error:
        msg = f"{command[0]} did not end within {timeout} s"
        raise ProgramError(msg) from error
    finally:
        await end(process)
    if process.returncode:
        msg = f"{command[0]} ended with {process.returncode}: {complaints.decode(errors='replace').strip()[-2000:]}"
        raise ProgramError(msg)
    return output


async def end(process: asyncio.subprocess.Process) -> None:
    """End a program: asked first, then killed; returns when it is gone."""
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(_GRACE):
            await process.wait()
    except TimeoutError:
        pass
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
