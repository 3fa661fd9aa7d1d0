"""The task behind an object that is iterated or awaited, and its end."""

from __future__ import annotations

import asyncio
from typing import Any


async def end_driver(driver: asyncio.Task[Any]) -> None:
    """Cancel a task that has not ended, and wait for it; what it raised counts as looked at.

    It is cancelled once, however often this is called: a second cancellation would cut the scanners' grace short.
    """
    if not driver.done():
        if not driver.cancelling():
            driver.cancel()
        await asyncio.wait({driver})
    if not driver.cancelled():
        driver.exception()
