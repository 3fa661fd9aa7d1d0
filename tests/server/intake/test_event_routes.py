"""``POST /v1/events/NAME`` through a real socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from portus_scan_server.access import AccessSettings, Gatekeeper, access_middleware
from portus_scan_server.intake.event_routes import LARGEST_BODY, EventReceiver
from portus_scan_server.store import put_registry, tables
from sqlalchemy import func, select, update

from .conftest import TOKEN, Watching

PUSH = json.loads((Path(__file__).with_name("data") / "push-schema2.json").read_text())["body"]
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


async def _nobody(_token: str) -> None:
    return None


@pytest.fixture
async def url(watching: Watching) -> AsyncIterator[str]:
    """Where events go, behind the door that lets nobody in; nothing works the inbox off."""
    application = web.Application(middlewares=[access_middleware(Gatekeeper(AccessSettings(), _nobody))])
    receiver = EventReceiver(watching.intake)
    application.router.add_post("/v1/events/{name}", receiver.receive)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/v1/events"
    finally:
        await runner.cleanup()


async def post(url: str, body: Any, headers: dict[str, str] = RIGHT) -> int:
    """Return the status of an answer."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with aiohttp.ClientSession() as http, http.post(url, data=data, headers=headers) as response:
        return response.status


async def kept(watching: Watching) -> int:
    """Return how many events are stored."""
    async with watching.store.reading() as db:
        return int(await db.scalar(select(func.count()).select_from(tables.events)) or 0)


async def test_an_event_is_kept_once_and_for_its_registry_alone(watching: Watching, url: str) -> None:
    """The same event again is one row; a wrong token, none, and another registry's keep nothing, and look alike."""
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
    ):
        assert 401 == await post(f"{url}/main", PUSH, headers)
    assert 401 == await post(f"{url}/other", PUSH)
    assert 401 == await post(f"{url}/other", PUSH, {"Authorization": "Bearer "})
    assert 0 == await kept(watching)
    assert [202, 202] == [await post(f"{url}/main", PUSH) for _ in range(2)]
    assert 1 == await kept(watching)
    assert (await watching.registry_row()).last_event_at is not None
    assert [] == [one for one in watching.registry.requests if one.path != "/v2/"]


async def test_what_cannot_be_read_does_not_stop_the_registry(watching: Watching, url: str) -> None:
    """It is answered as if it were kept; only a body that nobody would wait for is refused."""
    bodies = [b"", b"{", b"[" * 100_000, b'{"events": [1, null]}', b" " * (LARGEST_BODY + 1), {"events": []}]
    assert {202} == {await post(f"{url}/main", body) for body in bodies}
    assert 0 == await kept(watching)
    where = urlsplit(url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    lines = f"POST {where.path}/main HTTP/1.1", f"Host: {where.netloc}", f"Authorization: Bearer {TOKEN}"
    writer.write("\r\n".join((*lines, "Content-Length: 40000000", "", "")).encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")  # Python 3.13 has other words for it
    writer.close()
    await writer.wait_closed()


async def test_a_database_that_is_slow_is_said_and_loses_nothing(watching: Watching, url: str) -> None:
    """While another transaction holds its row, a registry is told to come again; nothing is there twice."""
    async with watching.store.writing() as db:
        await put_registry(db, watching.registry.host)
    async with watching.store.writing() as db:
        await db.execute(update(tables.registries).values(sync_error="held"))
        assert 503 == await post(f"{url}/main", PUSH)
        assert 0 == await kept(watching)
    assert 202 == await post(f"{url}/main", PUSH)
    assert 1 == await kept(watching)
