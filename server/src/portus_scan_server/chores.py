"""What is done for ever: again after a pause, whatever happened before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeAlias

from .store import StoreUnavailableError

Chore: TypeAlias = Callable[[], Awaitable[object]]


async def again_and_again(
    chore: Chore, seconds: float, logger: logging.Logger, told: asyncio.Event | None = None
) -> None:
    """Do a chore for ever; while the database is away, or after a fault, it is left out once.

    Args:
        chore: What is done.
        seconds: The pause.
        logger: Where it is said that the chore was left out.
        told: Ends the pause early when it is set.
    """
    told = asyncio.Event() if told is None else told
    while True:
        told.clear()
        await do_once(chore, logger)
        try:
            async with asyncio.timeout(seconds):
                await told.wait()
        except TimeoutError:
            continue


async def do_once(chore: Chore, logger: logging.Logger) -> None:
    """Do a chore; while the database is away, or after a fault, it is left out."""
    try:
        await chore()
    except StoreUnavailableError as error:
        logger.warning("left out: %s", error)
    except Exception:  # what one image or registry does to a chore must not end it for all others
        logger.exception("left out by a fault of this program")


@asynccontextmanager
async def doing_again_and_again(
    chores: Sequence[tuple[Chore, float, asyncio.Event | None]], logger: logging.Logger
) -> AsyncIterator[None]:
    """Do chores as long as the block runs.

    Args:
        chores: At least one; each with its pause, and what ends that early. See `again_and_again`.
        logger: Where it is said that one was left out.
    """
    tasks = [asyncio.create_task(again_and_again(chore, pause, logger, told)) for chore, pause, told in chores]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
