"""The health check: the API decides, the health port is told of."""

from __future__ import annotations

import asyncio

import portus_scanner_clair.client
import pytest
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanner_clair.client import health_url
from portus_scanners import Health
from portus_scanners_testing import Hang, ReplayServer, StandInContext, Status
from standins.exchanges import recorded

from .conftest import House


async def health_of(health: str, namespaces: str) -> Health:
    """Check a Clair that gives these recorded answers, on one port."""
    answers = {"/health": recorded("clair", health), "/v1/namespaces": recorded("clair", namespaces)}
    replay = ReplayServer(answers.values(), matches=lambda exchange, request: exchange is answers[request.path])
    async with replay as server, StandInContext() as context:
        port = int(server.host.rpartition(":")[2])
        return await ClairScanner(ClairSettings(server=server.url, health_port=port), context).check_health()


async def test_recorded_health() -> None:
    """Both well: healthy, with what the API knows; a bad health port is told of and does not decide."""
    well = await health_of("health-up-200", "namespaces-200")
    assert (True, "API: answers, and knows 4 distributions") == (well.healthy, well.message.partition(";")[0])
    odd = await health_of("health-down-500", "namespaces-200")
    assert (True, "health port", "HTTP 500") == (
        odd.healthy,
        *(word for word in ("health port", "HTTP 500") if word in odd.message),
    )


async def test_a_health_port_that_is_well_proves_nothing() -> None:
    """With its database gone Clair's health port may go on saying 200: the API decides."""
    assert (await health_of("health-up-200", "get-layer-database-down-500")).healthy is False


@pytest.mark.parametrize("status", [204, 301, 404, 503])
async def test_an_api_that_refuses_is_not_healthy(house: House, status: int) -> None:
    """Only a 200 with a list of namespaces counts."""
    house.clair.faults.add("/v1/namespaces", Status(status))
    assert (await house.scanner().check_health()).healthy is False


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"Namespaces": 5}', b"[]"])
async def test_nonsense_is_not_healthy(house: House, body: bytes) -> None:
    """A 200 that is not of Clair's form comes from another server."""
    house.clair.faults.add("/v1/namespaces", Status(200, body))
    assert (await house.scanner().check_health()).healthy is False


async def test_an_api_that_hangs_is_not_healthy(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its database frozen Clair's API hangs: the check has a time limit of its own."""
    monkeypatch.setattr(portus_scanner_clair.client, "HEALTH_TIMEOUT", 0.05)
    house.clair.faults.add("/v1/namespaces", Hang(asyncio.Event()))
    health = await house.scanner().check_health()
    assert (False, True) == (health.healthy, "did not answer in time" in health.message)


async def test_a_clair_that_knows_nothing_says_so(house: House) -> None:
    """A Clair without a distribution is healthy, and the message warns of what that means."""
    health = await house.scanner().check_health()
    assert (True, True) == (health.healthy, "knows no distribution yet" in health.message)


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("http://clair.example:6060", "http://clair.example:6061"),
        ("https://clair.example", "http://clair.example:6061"),
        ("https://clair.example/proxied/clair", "http://clair.example:6061"),
        ("http://[::1]:6060", "http://[::1]:6061"),
    ],
)
def test_the_health_port_is_on_the_same_host(server: str, expected: str) -> None:
    """Another port of the API's host, always plain http."""
    assert expected == health_url(server, 6061)
