"""What is sent again, and after how long."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiohttp import web
from portus_images.registry.transport import outcomes as retries
from portus_scanners import ImageNotFoundError, RegistryError, RegistryUnavailableError
from portus_scanners_testing import Disconnect, ScriptedServer, Status, Truncated
from portus_scanners_testing.registry import StandInRegistry

from .conftest import BUILT, MANIFEST, Connect, reference_on, tell

PASSING = [Status(429), Status(500), Status(502), Status(503), Status(504), Status(599), Truncated()]


def show(server: StandInRegistry, fault: Any, times: int | None = None, path: str = MANIFEST) -> None:
    """Let a server with the image show a fault."""
    server.push("team/app", "1", BUILT)
    server.faults.add(path, fault, times=times)


@pytest.mark.parametrize("fault", PASSING, ids=repr)
async def test_what_passes_is_sent_again(connect: Connect, pauses: list[float], fault: Any) -> None:
    """Twice, with growing pauses of which up to half is taken off at random."""
    async with StandInRegistry() as server:
        show(server, fault, times=2)
        found = await connect().resolve(reference_on(server))

    assert BUILT.digest == found.digest
    assert [(True, 0.25 <= pauses[0] <= 0.5), (True, 1.0 <= pauses[1] <= 2.0)] == [(True, True)] * len(pauses)


@pytest.mark.parametrize("fault", PASSING, ids=repr)
async def test_what_does_not_pass_is_an_error_after_some_tries(connect: Connect, fault: Any) -> None:
    """Of the kind that says: later."""
    async with StandInRegistry() as server:
        show(server, fault)
        with pytest.raises(RegistryUnavailableError):
            await connect().resolve(reference_on(server))

        tries = 6 if fault == Status(429) else 3  # the pacer says how often: without an end it is no passing limit
        assert tries == [request.path for request in server.requests].count(MANIFEST)


async def test_a_limit_without_an_end_is_waited_for(connect: Connect) -> None:
    """Where it passes: Quay says 429 and no more, and a walk that gave up after three tries would lose images."""
    async with StandInRegistry() as server:
        show(server, Status(429), times=5)
        found = await connect().resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_a_closed_connection_is_opened_again(connect: Connect, pauses: list[float]) -> None:
    """aiohttp repeats a request by itself where it had kept the connection; then it is our turn, three times in all."""
    async with StandInRegistry() as server:
        show(server, Disconnect(), times=5)
        found = await connect().resolve(reference_on(server))
        show(server, Disconnect())
        with pytest.raises(RegistryUnavailableError, match="closed the connection"):
            await connect().resolve(reference_on(server))

    assert (BUILT.digest, 4) == (found.digest, len(pauses))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 416, 304])
async def test_another_answer_is_an_answer(connect: Connect, pauses: list[float], status: int) -> None:
    """Asking again would not change it."""
    async with StandInRegistry() as server:
        show(server, Status(status))
        with pytest.raises(RegistryError):
            await connect().resolve(reference_on(server))

    assert [] == pauses


async def test_a_tag_that_is_not_there_is_asked_for_once(connect: Connect) -> None:
    """No retry hides a slip of the pen."""
    async with StandInRegistry() as server:
        with pytest.raises(ImageNotFoundError):
            await connect().resolve(reference_on(server))

        assert 1 == [request.path for request in server.requests].count(MANIFEST)


async def test_a_registry_that_is_not_there_is_not_called_again(connect: Connect, pauses: list[float]) -> None:
    """A refused connection is a wrong address more often than a restart."""
    async with StandInRegistry() as gone:
        pass
    with pytest.raises(RegistryUnavailableError, match="can't be reached"):
        await connect().resolve(reference_on(gone))

    assert [] == pauses


def in_seconds(seconds: float) -> str:
    """Return a date."""
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("make", "lowest", "highest"),
    [
        (lambda: "7", 7, 7),
        (lambda: " 30 ", 30, 30),
        (lambda: "0", 0.25, 0.5),
        (lambda: in_seconds(20), 15, 20),
        (lambda: in_seconds(-20), 0.25, 0.5),
        (lambda: "soon", 0.25, 0.5),
        (lambda: "-5", 0.25, 0.5),
        (lambda: "1.5", 0.25, 0.5),
        (lambda: "\u0663", 0.25, 0.5),
    ],
    ids=range(9),
)
async def test_a_server_says_when(
    connect: Connect, pauses: list[float], make: Callable[[], str], lowest: float, highest: float
) -> None:
    """Seconds or a date; nonsense is no wish."""
    async with StandInRegistry() as server:
        show(server, Status(429, headers={"Retry-After": make()}), times=1)
        await connect().resolve(reference_on(server))

    assert [True] == [lowest <= pause <= highest for pause in pauses]


@pytest.mark.parametrize("make", [lambda: "31", lambda: "9" * 10, lambda: in_seconds(3600)], ids=range(3))
async def test_a_long_wait_is_for_the_user_to_decide(
    connect: Connect, pauses: list[float], make: Callable[[], str]
) -> None:
    """Docker Hub asks for hours: the error comes at once, and says so."""
    async with StandInRegistry() as server:
        show(server, Status(429, headers={"Retry-After": make()}))
        with pytest.raises(RegistryUnavailableError, match=r"too many requests.*again in \d+ s"):
            await connect().resolve(reference_on(server))

    assert [] == pauses


async def test_the_token_service_is_asked_again_too(connect: Connect, pauses: list[float]) -> None:
    """It is a server like others."""
    async with StandInRegistry(auth="token") as server:
        show(server, Status(503), times=2, path="/token")
        found = await connect(tell(server)).resolve(reference_on(server))

    assert (BUILT.digest, 2) == (found.digest, len(pauses))


async def test_redirects_are_followed_anew(connect: Connect) -> None:
    """A signed address may have ended meanwhile."""
    async with ScriptedServer() as storage, ScriptedServer() as server:
        targets = iter([f"{storage.url}/old", f"{storage.url}/new"])

        async def redirect(_request: web.BaseRequest) -> web.StreamResponse:
            return web.Response(status=307, headers={"Location": next(targets)})

        server.script(MANIFEST, redirect)
        storage.script("/old", status=503)
        storage.script("/new", BUILT.manifest, content_type=BUILT.media_type)
        found = await connect().resolve(reference_on(server))

    assert BUILT.digest == found.digest


async def test_pauses_differ(connect: Connect, pauses: list[float]) -> None:
    """Many clients that failed together do not come back together."""
    async with StandInRegistry() as server:
        show(server, Status(503))
        for _ in range(10):
            with pytest.raises(RegistryUnavailableError):
                await connect().resolve(reference_on(server))

    assert len(set(pauses)) > len(retries.PAUSES)
