"""The chores of the service that tell news: look for conditions, send what the outbox has."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from functools import partial

from aiohttp import web

from ..chores import Chore, doing_again_and_again
from ..store import Store
from .channels import NewsChannel, NotToldError, open_channels
from .conditions import look
from .news_settings import Notifications
from .outbox import Delivery, claim_deliveries, is_due, note_failed, note_sent

logger = logging.getLogger("portus_scan_server.news")

_LOOK = 30.0
_SEND = 2.0
"""Seconds between two looks into the outbox: it is written by another process."""


class Teller:
    """Tells news as long as the application runs."""

    def __init__(self, store: Store, notifications: Notifications) -> None:
        self._store = store
        self._notifications = notifications

    async def running(self, _application: web.Application) -> AsyncIterator[None]:
        """Look for conditions and send what is due, as long as an application runs."""
        async with open_channels(self._notifications) as channels:
            chores: list[tuple[Chore, float, None]] = [
                (partial(look, self._store, self._notifications), _LOOK, None),
                (partial(self.send_some, channels), _SEND, None),
            ]
            async with doing_again_and_again(chores, logger):
                yield

    async def send_some(self, channels: Mapping[str, NewsChannel]) -> int:
        """Send what is due until nothing is; return how much that was.

        Raises:
            StoreUnavailableError: The database can't be used; what was sent meanwhile is sent again.
        """
        total = 0
        async with self._store.reading() as db:
            if not await is_due(db):
                return total
        while True:
            async with self._store.writing() as db:
                claimed = await claim_deliveries(db, list(channels))
            if not claimed:
                return total
            await asyncio.gather(*(self._send(channels[one.channel], one) for one in claimed))
            total += len(claimed)

    async def _send(self, channel: NewsChannel, delivery: Delivery) -> None:
        try:
            await channel.tell(delivery.message)
        except NotToldError as error:
            logger.warning(
                "%s is not told of %s (try %d): %s", delivery.channel, delivery.message.kind, delivery.tries, error
            )
            async with self._store.writing() as db:
                await note_failed(db, delivery, str(error), for_ever=error.for_ever, wait=error.wait)
        else:
            async with self._store.writing() as db:
                await note_sent(db, delivery)
