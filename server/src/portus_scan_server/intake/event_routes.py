"""``POST /v1/events/NAME``: what a registry tells. Kept, or refused so that it is told again; never half kept.

The registry waits for the answer, and tells nothing else meanwhile. So it comes at once: nothing is looked at here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from aiohttp import web
from portus_images import Secret

from ..access import public
from ..settings import WatchedRegistry, is_same_secret
from ..store import StoreUnavailableError
from .events import EnvelopeError, PushHint, read_envelope
from .intake import Intake

logger = logging.getLogger("portus_scan_server.intake")

INTAKE = web.AppKey("intake", Intake)
"""Where the application has its intake."""
LARGEST_BODY = 256 * 1024
"""Bytes of an envelope that are read: more would hold the loop for longer than 50 ms."""
_MOST_DRAINED = 16 * 1024 * 1024
_READING = 5.0
"""Seconds in which a body has to be there."""
_STORING = 0.5
"""Seconds in which it has to be committed: docker-registry gives up early, and tells it again."""
_MOST_STORING = 16
"""Envelopes that are being stored at once, by a database that is slow."""


def add_routes(application: web.Application, intake: Intake) -> None:
    """Let an application take events, and run the intake as long as the application runs."""
    receiver = EventReceiver(intake)
    application[INTAKE] = intake
    application.router.add_post("/v1/events/{name}", receiver.receive)
    application.cleanup_ctx.append(receiver.running)


class EventReceiver:
    """Answers registries.

    Args:
        intake: Where their events go.
    """

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._storing: set[asyncio.Task[int]] = set()

    async def running(self, _application: web.Application) -> AsyncIterator[None]:
        """Run the intake as long as an application runs."""
        async with self._intake.running():
            yield
        if self._storing:
            await asyncio.wait(self._storing)

    @public
    async def receive(self, request: web.Request) -> web.Response:
        """Answer one registry: 202 once its events are committed, 503 where they are not within half a second.

        What can't be read is answered with 202 as well: the registry would tell it again for ever, and nothing after.
        """
        watched = self._intake.registries.named(request.match_info["name"])
        if not _is_token(request.headers.get("Authorization", ""), watched.token if watched else Secret()):
            return web.Response(status=401, headers={"WWW-Authenticate": "Bearer"}, text="the token is not the one\n")
        assert watched is not None  # noqa: S101 (no token is right without one)
        try:
            async with asyncio.timeout(_READING):
                body = await _read_body(request)
        except TimeoutError:
            return web.Response(status=408, text="the body did not come in time\n")
        if body is None:
            return _close(web.Response(status=413, text="the body is too long\n"))
        return await self._keep(watched, _read_hints(watched, body))

    async def _keep(self, watched: WatchedRegistry, hints: list[PushHint]) -> web.Response:
        if not hints:
            return web.Response(status=202)
        if len(self._storing) >= _MOST_STORING:
            return _refused("the database is slow")
        storing = asyncio.create_task(self._intake.store_hints(watched, hints))
        self._storing.add(storing)  # it is not cancelled when its time is up: a commit may be under way
        storing.add_done_callback(self._stored)
        await asyncio.wait({storing}, timeout=_STORING)
        if not storing.done():
            return _refused(f"the database does not answer within {_STORING:g} s")
        if storing.exception() is not None:
            return _refused("the database can't be used")
        return web.Response(status=202)

    def _stored(self, task: asyncio.Task[int]) -> None:
        self._storing.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, StoreUnavailableError):
            logger.warning("events are refused: %s", error)
        elif error is not None:
            logger.error("events are refused by a fault of this program", exc_info=error)


def _is_token(header: str, token: Secret) -> bool:
    """Tell whether a header has the token, in a time that does not depend on how much of it is right."""
    scheme, _, given = header.partition(" ")
    expected = token.reveal()
    return is_same_secret(given.strip(), expected) and scheme.lower() == "bearer" and bool(expected)


async def _read_body(request: web.Request) -> bytes | None:
    """Return a body, empty where it is longer than what is read; None where it is too long to be waited for."""
    body, length = bytearray(), 0
    if (request.content_length or 0) > _MOST_DRAINED:
        return None
    async for chunk in request.content.iter_chunked(64 * 1024):
        length += len(chunk)
        if length > _MOST_DRAINED:
            return None
        if length <= LARGEST_BODY:
            body += chunk
    return b"" if length > LARGEST_BODY else bytes(body)


def _read_hints(watched: WatchedRegistry, body: bytes) -> list[PushHint]:
    try:
        hints, unread = read_envelope(body)
    except EnvelopeError as error:
        logger.warning("an envelope of %s can't be read, the next sync finds what it told: %s", watched.name, error)
        return []
    if unread:
        logger.warning("%d events of %s can't be read; the next sync finds what they told", unread, watched.name)
    return hints


def _refused(why: str) -> web.Response:
    return web.Response(status=503, headers={"Retry-After": "5"}, text=f"{why}: tell it again\n")


def _close(response: web.Response) -> web.Response:
    response.force_close()
    return response
