"""The health check: the API decides, the health port is told of."""

from __future__ import annotations

import asyncio

import portus_scanner_clair.client
import pytest
from aiohttp import web
from portus_scanner_clair import ClairScanner, ClairSettings
from portus_scanner_clair.health import health_url
from portus_scanners import Health
from portus_scanners_testing import (
    Disconnect,
    Exchange,
    Fault,
    Hang,
    RecordedRequest,
    ReplayServer,
    StandInContext,
    Status,
    with_json,
)
from portus_scanners_testing.images import debian_image
from portus_scanners_testing.servers import Handler
from standins.clair_detection import Namespace
from standins.exchanges import recorded

from .conftest import House


async def health_of(health: str, namespaces: str) -> Health:
    """Check a Clair that gives these recorded answers, on one port, and has data for Debian alone."""
    answers = {"/health": recorded("clair", health), "/v1/namespaces": recorded("clair", namespaces)}
    data = with_json(answers["/v1/namespaces"], lambda _: {"Vulnerabilities": [{"Name": "CVE-2099-0001"}]})
    none = with_json(data, lambda _: {"Vulnerabilities": None})

    def matches(exchange: Exchange, request: RecordedRequest) -> bool:
        return exchange is answers.get(request.path, data if "debian" in request.path else none)

    replay = ReplayServer([*answers.values(), data, none], matches=matches)
    async with replay as server, StandInContext() as context:
        port = int(server.host.rpartition(":")[2])
        return await ClairScanner(ClairSettings(server=server.url, health_port=port), context).check_health()


async def test_recorded_health() -> None:
    """Both well: healthy, with what the API knows; a bad health port is told of and does not decide."""
    well = await health_of("health-up-200", "namespaces-200")
    said = "API: answers, with vulnerability data for 2 of 4 distributions (none for alpine:v3.9, centos:7)"
    assert (True, said) == (well.healthy, well.message.partition(";")[0])
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


@pytest.mark.parametrize("analysed", [False, True])
async def test_an_empty_clair_is_not_healthy(house: House, *, analysed: bool) -> None:
    """A Clair without any vulnerability data can scan nothing, whether it has seen a distribution or not."""
    house.clair.database.vulnerabilities.clear()
    if not analysed:
        house.clair.database.namespaces.clear()
    health = await house.scanner().check_health()
    assert (False, True) == (health.healthy, "no vulnerability data for any distribution" in health.message)


async def test_health_asks_whatever_scans_remember(house: House) -> None:
    """Data that scans remember for ten minutes has vanished: the health check sees that at once."""
    scanner = house.scanner()
    assert (await scanner.scan(await house.image(debian_image({"bash": "99"})))).complete
    house.clair.database.vulnerabilities.clear()
    assert (True, False) == (
        (await scanner.scan(await house.image(debian_image({"bash": "99"})))).complete,
        (await scanner.check_health()).healthy,
    )


async def test_a_distribution_that_cannot_be_asked_about_does_not_decide(house: House) -> None:
    """An image can make Clair know a name with a slash: the others count, and the message names that one."""
    house.clair.database.add_namespace(Namespace("debian:1/2", "dpkg"))
    health = await house.scanner().check_health()
    assert (True, True) == (health.healthy, "no answer for debian:1/2: Clair answered HTTP 404" in health.message)


@pytest.mark.parametrize("fault", [Status(500), Status(503), Disconnect()])
async def test_questions_without_an_answer_are_not_healthy(house: House, fault: Fault) -> None:
    """Where Clair can't tell whether it has data, it can't be used."""
    house.clair.faults.add("/v1/namespaces/*", fault)
    assert (await house.scanner().check_health()).healthy is False


async def test_many_distributions_are_asked_about_few_at_once(house: House) -> None:
    """Eight questions are under way at the most, however many distributions Clair knows."""
    now = most = 0

    class Counting:
        async def show(self, request: web.BaseRequest, handler: Handler) -> web.StreamResponse:
            nonlocal now, most
            now += 1
            most = max(most, now)
            try:
                return await handler(request)
            finally:
                now -= 1

    for number in range(40):
        house.clair.database.add_namespace(Namespace(f"debian:{number}", "dpkg"))
    house.clair.faults.add("/v1/namespaces/*", Counting())
    health = await house.scanner().check_health()
    assert (True, True) == ("1 of 40 distributions" in health.message, most <= 8)


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
