"""Waking a runner when somebody asks for something, in whatever process on one PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

from ..store import POSTGRESQL, Store

_CHANNEL = "portus_scan_requests"
"""What a trigger of the table `requests` notifies."""


async def wake_on_requests(store: Store, wake: Callable[[], None]) -> None:
    """Call *wake* at once, then each time that requests were added, for ever; on SQLite there is nothing to do.

    Raises:
        StoreUnavailableError: The database can't be used, or the connection is lost.
    """
    if store.dialect == POSTGRESQL:
        async for _ in store.listen(_CHANNEL):
            wake()
