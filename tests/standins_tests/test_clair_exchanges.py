"""Clair's stand-in gives the recorded answers to the recorded requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from portus_scanners_testing import StandInRegistry
from standins.clair import DATABASE_DOWN, StandInClair
from standins.exchanges import exchange, names
from standins.recorded_lab import RecordedLab, in_order
from yarl import URL

CHILD = "post-layer-child-201"
FIRST_POSTED = {
    CHILD: ("debian-1layer",),
    "post-layer-known-name-other-parent-201": ("shared-a", "debian-1layer"),
    "get-layer-plain-200": ("debian-1layer",),
    "get-layer-features-alpine-200": ("alpine",),
    "get-layer-nothing-detected-200": ("static",),
    "get-layer-vulnerabilities-alpine-200": ("alpine",),
    "get-layer-vulnerabilities-debian-200": ("debian-1layer",),
    "get-layer-vulnerabilities-5layers-200": ("debian-5layers",),
    "get-layer-leaked-result-200": ("shared-a", "shared-b"),
}
"""The images whose layers were posted, named by their digests, before the recorded request."""
OF_A_STOPPED_DATABASE = {name for name in names("clair") if "-down-" in name}
ELSEWHERE = {
    "delete-layer-200": "its layer is in no recorded image",
    "get-layer-gzip-200": "rpm",
    "get-layer-vulnerabilities-centos-200": "rpm",
    "namespaces-200": "rpm",
}
"""Recorded exchanges that the stand-in can't repeat; the first and the last have a test in test_clair.py."""


@pytest.fixture
async def lab(clair: StandInClair, registry: StandInRegistry) -> AsyncIterator[RecordedLab]:
    """The laboratory in which the exchanges were recorded."""
    async with StandInRegistry(auth="token") as guarded:
        yield RecordedLab(clair, registry, guarded)


async def send(http: aiohttp.ClientSession, lab: RecordedLab, name: str) -> tuple[aiohttp.ClientResponse, Any]:
    """Send a recorded request and return the answer, its body in the recorded digests."""
    request = exchange("clair", name)["request"]
    body = request["body"]
    data = body if body is None or isinstance(body, str) else json.dumps(lab.here(body))
    url = URL(lab.here(request["url"]), encoded=True)
    async with http.request(request["method"], url, data=data) as response:
        text = await response.text()
    return response, lab.there(json.loads(text)) if text else ""


async def post_image(http: aiohttp.ClientSession, lab: RecordedLab, name: str) -> None:
    """Post an image as Portus does, its layers named by their digests."""
    parent = ""
    for blob in lab.images[name].layers:
        path = lab.here(f"http://127.0.0.1:5000/v2/lab/{name}/blobs/{blob.digest}")
        layer = {"Name": blob.digest, "Path": path, "ParentName": parent, "Format": "Docker"}
        async with http.post(lab.here("http://127.0.0.1:6060/v1/layers"), json={"Layer": layer}) as response:
            assert 201 == response.status
        parent = blob.digest


@pytest.mark.parametrize("name", sorted(set(names("clair")) - ELSEWHERE.keys() - OF_A_STOPPED_DATABASE))
async def test_recorded_request_gets_the_recorded_answer(
    http: aiohttp.ClientSession, lab: RecordedLab, name: str
) -> None:
    """Status, reason, content type, framing and the whole body are the recorded ones."""
    for image in FIRST_POSTED.get(name, ()):
        await post_image(http, lab, image)

    response, body = await send(http, lab, name)

    expected = exchange("clair", name)["response"]
    assert (expected["status"], expected["reason"]) == (response.status, response.reason)
    assert expected["headers"].get("Content-Type") == response.headers.get("Content-Type")
    assert ("Transfer-Encoding" in expected["headers"]) == ("Transfer-Encoding" in response.headers)
    assert in_order(expected["body"]) == in_order(body)


@pytest.mark.parametrize("name", ["post-layer-database-down-500", "get-layer-database-down-500"])
async def test_stopped_database_gives_the_recorded_answer(
    http: aiohttp.ClientSession, clair: StandInClair, lab: RecordedLab, name: str
) -> None:
    """A POST and a GET say that the database can't be dialled."""
    clair.database_down = True
    response, body = await send(http, lab, name)
    assert 500 == response.status
    assert {"Error": {"Message": DATABASE_DOWN}} == body == exchange("clair", name)["response"]["body"]


async def test_health_finds_a_stopped_database_after_some_other_request(
    http: aiohttp.ClientSession, clair: StandInClair, lab: RecordedLab
) -> None:
    """The health port says 200 until another request has failed, then 500, both with an empty body."""
    clair.database_down = True
    before = await send(http, lab, "health-up-200")
    await send(http, lab, "get-layer-database-down-500")
    after = await send(http, lab, "health-down-500")
    assert [(200, ""), (500, "")] == [(response.status, body) for response, body in (before, after)]


async def test_recorded_answers_are_sent_with_the_recorded_number_of_bytes(
    http: aiohttp.ClientSession, lab: RecordedLab
) -> None:
    """The JSON is written as Go writes it, to the byte."""
    await post_image(http, lab, "debian-1layer")
    for name in (
        "get-layer-plain-200",
        "get-layer-unknown-404",
        "post-layer-format-unknown-400",
        "post-vulnerability-201",
    ):
        recorded = exchange("clair", name)["response"]
        response, _ = await send(http, lab, name)
        assert recorded["body_bytes"] == int(response.headers["Content-Length"]), name
