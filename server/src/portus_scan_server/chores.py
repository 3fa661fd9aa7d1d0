"""What is done for ever: again after a pause, whatever happened before."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
        try:
            await chore()
        except StoreUnavailableError as error:
            logger.warning("left out: %s", error)
        except Exception:  # what one image or registry does to a chore must not end it for all others
            logger.exception("left out by a fault of this program")
        try:
            async with asyncio.timeout(seconds):
                await told.wait()
        except TimeoutError:
            continue
