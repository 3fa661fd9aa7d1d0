"""The stand-in registry: blobs, the three kinds of access, faults."""

from __future__ import annotations

import asyncio
import json
import ssl
from pathlib import Path

import aiohttp
import pytest
from portus_scanners_testing import Delay, Disconnect, EmptyBody, Hang, StandInRegistry, Status, Truncated
from portus_scanners_testing.images import ACCEPT_ALL, debian_image
from portus_scanners_testing.registry import TokenIssuer, TokenServer, TokenService
from standins.certificates import make_certificate
from standins.registry_client import basic, bearer, get

IMAGE = debian_image({"bash": "5.2-1"})
LAYER = IMAGE.layers[0]
MANIFEST = "/v2/team/app/manifests/1.0"
BLOB = f"/v2/team/app/blobs/{LAYER.digest}"


class Clock:
    """A clock that is set by hand."""

    now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


def fill(registry: StandInRegistry) -> None:
    """Push the image."""
    registry.push("team/app", "1.0", IMAGE)


async def test_pull_by_tag_and_digest(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """Both give the manifest with its digest and type; the requests are on record."""
    fill(registry)
    answers = [
        await get(http, f"{registry.url}/v2/team/app/manifests/{reference}", accept=ACCEPT_ALL)
        for reference in ("1.0", IMAGE.digest)
    ]
    expected = (200, IMAGE.manifest, IMAGE.digest, IMAGE.media_type)
    assert [expected] * 2 == [(got.status, got.body, got.digest, got.media_type) for got in answers]
    assert [("GET", MANIFEST), ("GET", f"/v2/team/app/manifests/{IMAGE.digest}")] == [
        (request.method, request.path) for request in registry.requests
    ]
    assert f"{registry.host}/team/app:1.0" == registry.reference("team/app", "1.0")
    assert f"{registry.host}/team/app@{IMAGE.digest}" == registry.reference("team/app", IMAGE.digest)


async def test_blob_with_get_and_head(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """HEAD gives the length and no body."""
    fill(registry)
    whole = await get(http, registry.url + BLOB)
    head = await get(http, registry.url + BLOB, method="HEAD")
    assert (200, LAYER.data, str(LAYER.size)) == (whole.status, whole.body, whole.headers["Content-Length"])
    assert (200, b"", str(LAYER.size)) == (head.status, head.body, head.headers["Content-Length"])


async def test_removed_blob_is_unknown(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """404 with the registry's code; another repository's blob is unknown too."""
    fill(registry)
    other = await get(http, f"{registry.url}/v2/other/app/blobs/{LAYER.digest}")
    registry.remove("team/app", LAYER.digest)
    gone = await get(http, registry.url + BLOB)
    codes = [json.loads(got.body)["errors"][0]["code"] for got in (other, gone)]
    assert [(404, "BLOB_UNKNOWN")] * 2 == list(zip((other.status, gone.status), codes, strict=True))


async def test_basic_access(http: aiohttp.ClientSession) -> None:
    """Only the right password passes; the challenge names a realm."""
    async with StandInRegistry(auth="basic") as registry:
        fill(registry)
        headers = ["", basic(password="wrong"), "Basic !", "Bearer x", basic()]
        answers = [await get(http, registry.url + MANIFEST, authorization=header) for header in headers]
    assert [401, 401, 401, 401, 200] == [got.status for got in answers]
    assert {"": "Basic", "realm": "stand-in"} == answers[0].challenge


async def test_token_access(http: aiohttp.ClientSession) -> None:
    """The challenge says where to get a token and for what; with it, manifest and blob are there."""
    async with StandInRegistry(auth="token") as registry:
        fill(registry)
        refused = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL)
        header = await bearer(http, registry.realm, "team/app")
        manifest = await get(http, registry.url + MANIFEST, accept=ACCEPT_ALL, authorization=header)
        blob = await get(http, registry.url + BLOB, authorization=header)
        issued = registry.issued
    expected = {"": "Bearer", "realm": registry.realm, "service": "stand-in", "scope": "repository:team/app:pull"}
    assert (401, expected) == (refused.status, refused.challenge)
    assert (200, 200) == (manifest.status, blob.status)
    assert ["user"] == [token.account for token in issued]


async def test_token_that_is_too_narrow_or_unknown_is_401(http: aiohttp.ClientSession) -> None:
    """Not 403; the challenge names the error."""
    async with StandInRegistry(auth="token") as registry:
        fill(registry)
        headers = [await bearer(http, registry.realm, "other/app"), "Bearer made-up", "Basic x"]
        answers = [await get(http, registry.url + MANIFEST, authorization=header) for header in headers]
    assert [401, 401, 401] == [got.status for got in answers]
    assert ["insufficient_scope", "invalid_token", None] == [got.challenge.get("error") for got in answers]


async def test_token_expires_by_the_clock(http: aiohttp.ClientSession) -> None:
    """Until its last second it is good; a revoked one is worthless at once."""
    clock = Clock()
    service = TokenService(TokenIssuer(lifetime=60, clock=clock))
    async with TokenServer(service) as tokens, StandInRegistry(auth="token", token_server=tokens) as registry:
        fill(registry)
        header = await bearer(http, tokens.realm, "team/app")
        statuses = []
        for later in (0, 59.9, 0.1):
            clock.now += later
            statuses.append((await get(http, registry.url + BLOB, authorization=header)).status)
        fresh = await bearer(http, tokens.realm, "team/app")
        service.issuer.revoke_all()
        statuses.append((await get(http, registry.url + BLOB, authorization=fresh)).status)
    assert [200, 200, 401, 401] == statuses
    assert 2 == len(tokens.issued)


async def test_base_asks_for_a_token_without_scope(http: aiohttp.ClientSession) -> None:
    """``/v2/`` answers an open registry's clients with 200, others with a challenge."""
    async with StandInRegistry() as free, StandInRegistry(auth="token") as guarded:
        answers = [await get(http, f"{registry.url}/v2/") for registry in (free, guarded)]
    assert [200, 401] == [got.status for got in answers]
    assert "scope" not in answers[1].challenge


@pytest.mark.parametrize(
    ("fault", "expected"),
    [(Status(503), (503, 0)), (EmptyBody(), (200, 0)), (Truncated(7, announced=False), (200, 7))],
    ids=["status", "empty", "cut"],
)
async def test_faults_that_are_answers(
    http: aiohttp.ClientSession, registry: StandInRegistry, fault: Status | EmptyBody | Truncated, expected: object
) -> None:
    """They are shown as often as told, on the paths told; then all is well again."""
    fill(registry)
    registry.faults.add("/v2/*/blobs/*", fault, times=2)
    answers = [await get(http, registry.url + BLOB) for _ in range(3)]
    assert [expected, expected, (200, LAYER.size)] == [(got.status, len(got.body)) for got in answers]
    assert 200 == (await get(http, registry.url + MANIFEST)).status


async def test_faults_that_break_the_connection(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """A cut body of announced length, and no answer at all; `clear` ends it."""
    fill(registry)
    registry.faults.add(BLOB, Truncated(7), method="GET", times=1)
    registry.faults.add(BLOB, Disconnect())
    with pytest.raises(aiohttp.ClientPayloadError):
        await get(http, registry.url + BLOB)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(http, registry.url + BLOB)
    registry.faults.clear()
    assert 200 == (await get(http, registry.url + BLOB)).status


async def test_hang_waits_for_its_release(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """Nothing comes before; then the right answer. A hanging request does not keep the server from closing."""
    fill(registry)
    release = asyncio.Event()
    registry.faults.add(BLOB, Hang(release), times=1)
    registry.faults.add(BLOB, Hang(asyncio.Event()))
    waiting = asyncio.create_task(get(http, registry.url + BLOB))
    for_ever = asyncio.create_task(get(http, registry.url + BLOB))
    while len(registry.requests) < 2:  # noqa: ASYNC110 - the stand-ins tell nobody when their state changes
        await asyncio.sleep(0)
    assert not waiting.done()
    release.set()
    assert LAYER.data == (await waiting).body
    await registry.stop()
    with pytest.raises(aiohttp.ClientConnectionError):
        await for_ever
    with pytest.raises(aiohttp.ClientConnectorError):
        await get(http, registry.url + BLOB)


async def test_delay_answers_in_the_end(http: aiohttp.ClientSession, registry: StandInRegistry) -> None:
    """The answer is the server's own."""
    fill(registry)
    registry.faults.add("*", Delay(0))
    assert LAYER.data == (await get(http, registry.url + BLOB)).body


@pytest.mark.real_registry
@pytest.mark.usefixtures("real_registry_programs")
async def test_https_with_a_certificate_of_its_own(tmp_path: Path) -> None:
    """A client that trusts the certificate file is served; another one refuses."""
    certificate = await make_certificate(tmp_path)
    trusting = ssl.create_default_context(cafile=certificate.certificate_file)
    async with StandInRegistry(tls=certificate.server_context()) as registry, aiohttp.ClientSession() as http:
        fill(registry)
        async with http.get(registry.url + BLOB, ssl=trusting) as response:
            assert (200, "https") == (response.status, response.url.scheme)
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(registry.url + BLOB)
