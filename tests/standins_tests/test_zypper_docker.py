"""The stand-in for ``zypper-docker serve`` gives the recorded answers, and what else it was seen to do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from portus_scanners_testing.images import digest_of, filler_layer, make_image, make_index
from standins.exchanges import exchange, names
from standins.zypper_docker import StandInZypperDocker, failed, patch, recorded, scanned, working
from yarl import URL

WRONG = "Something wrong happenned..."


@pytest.fixture
async def zypper() -> AsyncIterator[StandInZypperDocker]:
    """A server that knows no image."""
    async with StandInZypperDocker() as server:
        yield server


async def ask(
    http: aiohttp.ClientSession, server: StandInZypperDocker, target: str, method: str = "GET"
) -> tuple[aiohttp.ClientResponse, str]:
    """Send a request with this very target; return the answer and its text."""
    url = URL(f"{server.url}{target}", encoded=True)
    async with http.request(method, url, allow_redirects=False) as response:
        return response, await response.text()


@pytest.mark.parametrize("name", names("zypper_docker"))
async def test_recorded_request_gets_the_recorded_answer(
    http: aiohttp.ClientSession, zypper: StandInZypperDocker, name: str
) -> None:
    """Status, content type, length or none, and the exact body."""
    known = exchange("zypper_docker", name)
    scripted = [value for key, value in known["request"]["query"] if key == "image"]
    if scripted and name != "images-unknown-image-404":
        zypper.script(scripted[0], recorded(name))
    response, text = await ask(http, zypper, known["request"]["target"])
    expected = known["response"]
    assert (expected["status"], expected["body_text"]) == (response.status, text)
    assert "application/json" == response.headers["Content-Type"]
    chunked = expected["headers"].get("Transfer-Encoding")
    length = None if chunked else expected["headers"].get("Content-Length", str(len(text.encode())))
    assert (chunked, length) == (response.headers.get("Transfer-Encoding"), response.headers.get("Content-Length"))


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("/images", "expecting an 'image' query parameter"),
        ("/images?image=a&image=b", "expecting an 'image' query parameter"),
        ("/images?Image=a", "expecting an 'image' query parameter"),
        ("/images?image=a;b", "expecting an 'image' query parameter"),
        ("/images?image=", "no image name specified"),
        ("/images?image=a%3A1", "Error: No such image: a:1"),
        ("/images?image=a+b", "Error: No such image: a b"),
        ("/images/", WRONG),
        ("/other", WRONG),
    ],
)
async def test_failures_are_404_with_a_text(
    http: aiohttp.ClientSession, zypper: StandInZypperDocker, target: str, error: str
) -> None:
    """404 is the status of every failure."""
    response, _ = await ask(http, zypper, target)
    body: dict[str, Any] = await response.json()
    assert (404, {"Updates": 0, "Security": 0, "Error": error, "List": None}) == (response.status, body)


@pytest.mark.parametrize("method", ["POST", "HEAD", "DELETE"])
async def test_other_methods_are_404(http: aiohttp.ClientSession, zypper: StandInZypperDocker, method: str) -> None:
    """HEAD included."""
    response, _ = await ask(http, zypper, "/", method)
    assert 404 == response.status


async def test_double_slash_is_redirected(http: aiohttp.ClientSession, zypper: StandInZypperDocker) -> None:
    """To a relative address, the query kept."""
    response, text = await ask(http, zypper, "//images?image=a:1")
    assert (301, "/images?image=a:1", "") == (response.status, response.headers["Location"], text)


async def test_script_is_served_in_order_and_its_end_repeated(
    http: aiohttp.ClientSession, zypper: StandInZypperDocker
) -> None:
    """202 as often as said, then the answer; each image has its own script."""
    zypper.script("a:1", working(), working(retry_after="2"), scanned(patch("one")))
    zypper.script("b:1", failed("command exited with status 127"))
    answers = [await ask(http, zypper, "/images?image=a:1") for _ in range(4)]
    other, _ = await ask(http, zypper, "/images?image=b:1")
    assert [202, 202, 200, 200] == [response.status for response, _ in answers]
    assert [None, "2", None, None] == [response.headers.get("Retry-After") for response, _ in answers]
    assert 404 == other.status
    assert ["a:1"] * 4 + ["b:1"] == zypper.asked
    assert "/images?image=b:1" == zypper.targets[-1]


async def ids_known(http: aiohttp.ClientSession, server: StandInZypperDocker, *names: str) -> list[bool]:
    """Return which names the Docker daemon knows."""
    return [200 == (await ask(http, server, f"/images?image={quote(name, safe='')}"))[0].status for name in names]


@pytest.mark.parametrize("classic", [True, False], ids=["classic", "containerd"])
async def test_a_pulled_image_has_an_id_a_digest_and_a_tag(
    http: aiohttp.ClientSession, zypper: StandInZypperDocker, classic: bool
) -> None:
    """An image that loses its tag to a new one keeps its id, and the digest that was pulled."""
    old, new = make_image(filler_layer("old")), make_image(filler_layer("new"))
    index = make_index(new)
    zypper.pull("r.example/app:1", old, scanned(patch("old")), classic=classic)
    zypper.pull("r.example/app:1", new, scanned(patch("new")), index=index, classic=classic)
    configurations = await ids_known(http, zypper, digest_of(old.config), digest_of(new.config)[7:])
    digests = await ids_known(http, zypper, *(f"r.example/app@{one.digest}" for one in (old, new, index)))
    _, tagged = await ask(http, zypper, "/images?image=r.example/app:1")
    assert ([classic, classic], [True, False, True]) == (configurations, digests)
    assert '"new"' in tagged


async def test_counters_agree_with_the_list_unless_told(
    http: aiohttp.ClientSession, zypper: StandInZypperDocker
) -> None:
    """``Updates + Security`` is the length of the list; a mismatch has to be asked for."""
    zypper.script("a:1", scanned(patch("one"), patch("two", is_security=True)), scanned(updates=8))
    bodies = [await (await ask(http, zypper, "/images?image=a:1"))[0].json() for _ in range(2)]
    assert [(1, 1), (8, 0)] == [(body["Updates"], body["Security"]) for body in bodies]
    assert [["one", "two"], None] == [body["List"] and [item["Name"] for item in body["List"]] for body in bodies]


async def test_long_answers_are_chunked_and_escaped(http: aiohttp.ClientSession, zypper: StandInZypperDocker) -> None:
    """Over about 2 kB there is no length; ``<`` is escaped."""
    zypper.script("a:1", scanned(patch("one", description="<" * 1000)))
    response, text = await ask(http, zypper, "/images?image=a:1")
    assert "chunked" == response.headers["Transfer-Encoding"]
    assert "\\u003c" * 1000 in text


async def test_scans_go_on_without_their_client(http: aiohttp.ClientSession, zypper: StandInZypperDocker) -> None:
    """A scan that waits for its release is counted until it ends, even if its client has hung up."""
    release = asyncio.Event()
    zypper.script("a:1", scanned(release=release))
    scans = [asyncio.create_task(ask(http, zypper, "/images?image=a:1")) for _ in range(2)]
    while zypper.in_flight < 2:  # noqa: ASYNC110 - the stand-ins tell nobody when their state changes
        await asyncio.sleep(0)
    scans[0].cancel()
    await asyncio.gather(scans[0], return_exceptions=True)
    still = zypper.in_flight
    release.set()
    response, _ = await scans[1]
    assert (2, 200) == (still, response.status)
    while zypper.in_flight:  # noqa: ASYNC110
        await asyncio.sleep(0)
    assert 2 == zypper.most_in_flight
